/** What the store keeps of an open request, so that any process can close it as lost. */
export interface OpenRequest {
  requestId: string;
  team: string;
  user: string;
  tokenId: string;
  sessionId: string | null;
  endpoint: string;
  model: string;
  /** Whether the model's name may enter totals and metrics: configured, not merely said by a caller. */
  modelKnown: boolean;
  stream: boolean;
  inputTokens: number;
  outputTokens: number;
  images: number;
  searchUnits: number;
  /** Ids of the concurrency limits it holds a place of. */
  places: readonly string[];
  /** What is set aside costs so much; null where the model is unpriced. */
  nanoUsd: number | null;
  /** Whom a session was made for. */
  endUser: string | null;
}

/** The record as the store keeps it, tab-separated; the store puts the time of admission before it. */
export function encodeOpen(request: OpenRequest): string {
  return [
    request.requestId,
    request.team,
    request.user,
    request.tokenId,
    request.sessionId ?? '',
    request.endpoint,
    request.model,
    request.modelKnown ? 1 : 0,
    request.stream ? 1 : 0,
    request.inputTokens,
    request.outputTokens,
    request.images,
    request.places.join(','),
    request.endUser ?? '',
    request.nanoUsd ?? '',
    request.searchUnits || '',
  ].join('\t');
}

/** The request back from its record. */
export function decodeOpen(record: string): OpenRequest {
  const fields = record.split('\t');
  const at = (index: number): string => fields[index] ?? '';
  return {
    requestId: at(0),
    team: at(1),
    user: at(2),
    tokenId: at(3),
    sessionId: at(4) || null,
    endpoint: at(5),
    model: at(6),
    modelKnown: at(7) === '1',
    stream: at(8) === '1',
    inputTokens: Number(at(9)),
    outputTokens: Number(at(10)),
    images: Number(at(11)),
    searchUnits: Number(at(15)),
    places: at(12) === '' ? [] : at(12).split(','),
    endUser: at(13) || null,
    nanoUsd: at(14) === '' ? null : Number(at(14)),
  };
}
