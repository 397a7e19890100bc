/** A request that an upstream refused as it is. */
export interface RefusedRequest {
  model: string;
  path: string;
  /** The `anthropic-beta` header that was sent on; empty if there was none. */
  betas: string;
  body: Buffer;
  /** The body of the upstream's answer. */
  answer: string;
}

/** The same request, changed so that the upstream may take it. */
export interface RepairedRequest {
  body: Buffer;
  /** What was changed, as `x-tollgate-adjusted` says it. */
  adjusted: readonly string[];
  /** The upstream took it: so that the next request is changed at once. */
  confirm(): void;
}

/** Changes requests that upstreams refuse for something the gateway can change. */
export interface RequestRepairs {
  /** Null if the answer names nothing that can be changed. */
  repair(refused: RefusedRequest): RepairedRequest | null;
}

/** What answers have to say for that: 422 is FastAPI's status for a field it does not know. */
export function mayBeRepaired(status: number): boolean {
  return status === 400 || status === 422;
}

const noHeaders: readonly string[] = [];

/** `max_tokens=8192, store`: a field and the value sent instead, or a field that was left out; the last word on each. */
export function adjustedHeader(adjusted: readonly string[]): readonly string[] {
  if (adjusted.length === 0) return noHeaders;
  const byField = new Map(adjusted.map((each) => [each.split('=')[0], each]));
  return ['x-tollgate-adjusted', [...byField.values()].join(', ')];
}
