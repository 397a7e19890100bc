import { noCharge, type Charge } from '../base/outcome.ts';
import { appendedFigures, numberOrNull, textCodec, textOrNull, type TextField } from '../base/text-record.ts';

/** An open request as the store keeps it, so that any process can close it as lost. Its charge is what it reserves. */
export interface OpenRequest extends Charge {
  requestId: string;
  team: string;
  user: string;
  tokenId: string;
  sessionId: string | null;
  endpoint: string;
  model: string;
  /** Whether the model is configured, not just a name that a caller sent. Only then may totals and metrics name it. */
  modelKnown: boolean;
  stream: boolean;
  /** Ids of the concurrency limits of which it holds a slot. */
  slots: readonly string[];
  /** The cost of what is reserved, in nano-dollars; null if the model has no price. */
  nanoUsd: number | null;
  /** The person that the session was made for. */
  endUser: string | null;
  /** Its tags, as a text; '' if there are none. */
  tags: string;
  /** What limits of a day or month hold for it, if records are kept: see `recorded-charges.ts`. */
  held: string;
  /** Its Idempotency-Key, as in `AdmitRequest`; `''` if it has none. */
  keyed: string;
}

const blank: OpenRequest = {
  requestId: '',
  team: '',
  user: '',
  tokenId: '',
  sessionId: null,
  endpoint: '',
  model: '',
  modelKnown: false,
  stream: false,
  ...noCharge,
  requests: 1,
  slots: [],
  nanoUsd: null,
  endUser: null,
  tags: '',
  held: '',
  keyed: '',
};

/** In stored order: append only. */
const fields: TextField<OpenRequest>[] = [
  ['requestId', (open) => open.requestId, String],
  ['team', (open) => open.team, String],
  ['user', (open) => open.user, String],
  ['tokenId', (open) => open.tokenId, String],
  ['sessionId', (open) => open.sessionId ?? '', textOrNull],
  ['endpoint', (open) => open.endpoint, String],
  ['model', (open) => open.model, String],
  ['modelKnown', (open) => (open.modelKnown ? 1 : 0), isOne],
  ['stream', (open) => (open.stream ? 1 : 0), isOne],
  ['inputTokens', (open) => open.inputTokens, Number],
  ['outputTokens', (open) => open.outputTokens, Number],
  ['images', (open) => open.images, Number],
  ['slots', (open) => open.slots.join(','), (text) => (text === '' ? [] : text.split(','))],
  ['endUser', (open) => open.endUser ?? '', textOrNull],
  ['nanoUsd', (open) => open.nanoUsd ?? '', numberOrNull],
  ['searchUnits', (open) => open.searchUnits || '', Number],
  ['cacheReadTokens', (open) => open.cacheReadTokens || '', Number],
  ['cacheWriteTokens', (open) => open.cacheWriteTokens || '', Number],
  ['held', (open) => open.held, String],
];
const codec = textCodec(
  blank,
  [...fields, ...appendedFigures(fields)],
  [
    ['tags', (open) => open.tags, String],
    ['keyed', (open) => open.keyed, String],
  ],
);

/** The stored text. The store puts the time of admission before it. */
export const encodeOpen: (request: OpenRequest) => string = codec.encode;

/** The request from its stored text. */
export const decodeOpen: (record: string) => OpenRequest = codec.decode;

function isOne(flag: string): boolean {
  return flag === '1';
}
