/** Why a try has failed: fixed words, since an answer may hold secrets of its receiver. */
export const tryErrors = [
  /** The answer is no 2xx. */
  'status',
  /** The answer leads elsewhere: 3xx. */
  'redirect',
  /** The answer has more bytes than are read. */
  'too_long',
  /** No whole answer in time. */
  'timeout',
  /** The URL may not be sent to. */
  'refused_url',
  /** The name stands for an address that is not public. */
  'refused_address',
  /** The name stands for nothing. */
  'unresolvable',
  /** There is no connection. */
  'unreachable',
  /** TLS fails, such as for a certificate that is not valid. */
  'tls',
  /** The connection went before the end of the answer. */
  'reset',
  /** The answer is not HTTP. */
  'not_http',
] as const;
export type TryError = (typeof tryErrors)[number];

/** What sending an event once has come to. */
export type TryOutcome =
  | { readonly kind: 'taken'; readonly status: number }
  /** 410: nothing is to be sent there any more. */
  | { readonly kind: 'gone'; readonly status: 410 }
  | {
      readonly kind: 'failed';
      /** Null: no answer. */
      readonly status: number | null;
      readonly error: TryError;
      /** How long a 429 or 503 asks to wait; null: it does not say. */
      readonly retryAfterMs: number | null;
    };

/** A failure without an answer that could say more. */
export function failedBy(error: TryError, status: number | null = null): TryOutcome {
  return { kind: 'failed', status, error, retryAfterMs: null };
}

/** The word of the error; null: there was none. */
export function errorOf(outcome: TryOutcome): TryError | null {
  switch (outcome.kind) {
    case 'taken':
      return null;
    case 'gone':
      return 'status';
    case 'failed':
      return outcome.error;
  }
}
