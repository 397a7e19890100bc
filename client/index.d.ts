/** What `POST /v1/sessions` or `POST /oauth/token` answers, as far as this client reads it; the whole may be passed on. */
export type GivenSession = TollgateSession | ExchangedSession;

export interface TollgateSession extends SessionLife {
  /** The short-lived token: `tgs_…`. */
  token: string;
}

/** RFC 8693. */
export interface ExchangedSession extends SessionLife {
  access_token: string;
}

export interface SessionLife {
  /** Its life in seconds, counted from when it was asked for. Preferred: the visitor's clock may be wrong. */
  expires_in?: number;
  /** When it expires, in RFC 3339; held against the visitor's clock, and read only without `expires_in`. */
  expires_at?: string;
}

export type TollgateOptions = CommonOptions & (UnboundOptions | BoundOptions);

export interface UnboundOptions {
  bound?: false;
  /**
   * Asks the site's own back end for a session; called at first use and for each renewal, never twice at a
   * time. It gives the session, or the response that has it: an error response becomes a SessionError with
   * the text of that error. What it rejects with, the waiting requests reject with; the next request calls
   * it again.
   */
  getSession: () => Promise<GivenSession | Response>;
}

/**
 * Sessions are bound to a key of this page (RFC 9449, DPoP), so that a stolen one is worth nothing elsewhere. The key is
 * made at first use and cannot be read, only used. It needs https, or localhost.
 */
export interface BoundOptions {
  bound: true;
  /** As without `bound`; the session must be made for the key that is given. */
  getSession: (key: SessionKey) => Promise<GivenSession | Response>;
}

/** The key that a session is to be bound to. */
export interface SessionKey {
  /** Its thumbprint (RFC 7638): `cnf.jkt` of `POST /v1/sessions`. */
  readonly jkt: string;
  /** A fetch for the gateway that sends a proof of the key along: for `POST /oauth/token`. */
  fetch(path: string | URL, init?: RequestInit): Promise<Response>;
}

export interface CommonOptions {
  /** The gateway: `https://gateway.example.com`. A path, such as `/v1`, is ignored. */
  url: string | URL;
  /** How long before its expiry a session is renewed; a tenth of its life, at most 60 s, by default. */
  renewBeforeMs?: number;
  /** How often a call is sent if the connection fails, or the gateway cannot answer now; 3 by default, 1: once. */
  maxTries?: number;
}

/**
 * A `fetch` for one gateway, with a session as its credential.
 *
 * It takes what `fetch` takes, except that a relative URL is resolved against the gateway's origin, cookies are
 * never sent and redirects are a TypeError. `Authorization` and `x-api-key` in its arguments are replaced by the
 * session. A request refused because its session expired is sent once more with a new one, unless an earlier try of
 * it may have been charged: then the 401, `expired_token`, is given.
 *
 * A request is sent again, up to `maxTries` times, if the connection fails, or the answer is a 502, 503 or 504,
 * unless it says `x-should-retry: false` or asks to wait longer than 30 s. After a 409 `in_progress`, which means
 * that an earlier try is at work, it asks each second, for 30 s. All tries of a POST have one `Idempotency-Key`, so
 * that one answer is charged. A stream as body is sent once. Any other answer, a 429 too, is given at once, whatever
 * its status.
 *
 * It rejects with a NetworkError if no answer came, a SessionError, the signal's reason, or a TypeError: for a URL
 * of another origin, and if `getSession` gives no token.
 */
export interface Tollgate {
  (input: string | URL | Request, init?: RequestInit): Promise<Response>;

  /**
   * Sends a body as JSON, with POST; without a body, GET. Gives a success, and rejects with a RefusedError (a
   * RateLimitError for a 429) for anything else, besides what the function itself rejects with.
   */
  ask(path: string | URL, body?: unknown, init?: RequestInit): Promise<TollgateAnswer>;

  /**
   * Ends the session at the gateway, as when a visitor signs out; the next request asks for another. Resolves also
   * if the gateway does not answer: the session then ends when it expires.
   */
  end(): Promise<void>;
}

/** A success. It is read once: by `events`, by `text` or by `json`. */
export interface TollgateAnswer {
  /** Its status and headers. */
  readonly response: Response;
  /** Names the request in the gateway's ledger and log. */
  readonly requestId: string | null;

  /**
   * The events of a stream as they come, without the last, `[DONE]`; a plain answer is one event. Whoever leaves
   * the loop ends the request. Throws a BrokenAnswerError if the answer ends before it is whole, and the
   * signal's reason if it was aborted.
   */
  events<Data = unknown>(): AsyncIterableIterator<TollgateEvent<Data>>;

  /** The answer's words, all together, of a stream or a plain answer; '' if it has none. Throws as `events` does. */
  text(): Promise<string>;

  /** A plain answer, parsed. */
  json<Data = unknown>(): Promise<Data>;
}

export interface TollgateEvent<Data = unknown> {
  /** `message`, unless the stream names it. */
  readonly name: string;
  /** Parsed: a chat completion chunk, an event of Anthropic's messages or of a response, … */
  readonly data: Data;
  /** The words in it; '' if it has none. */
  readonly text: string;
}

/** Creates the client of one gateway. Throws a TypeError if `url` is not an absolute http(s) URL. */
export function createTollgate(options: TollgateOptions): Tollgate;

/** Every error of this package is one. */
export class TollgateError extends Error {
  /** For programs: a code of the gateway, of the site's back end, or one of this package. */
  readonly code: string;
}

/** No answer: the connection failed, on the last try too. Code `network_error`; `cause` is what fetch said. */
export class NetworkError extends TollgateError {}

/** The gateway answered with an error: `code` and `message` are its own (`http_502` if it gave none). */
export class RefusedError extends TollgateError {
  readonly status: number;
  readonly type: string | null;
  /** The field that is wrong. */
  readonly param: string | null;
  readonly requestId: string | null;
  /** How long to wait before the next try, as the answer says; null if it does not. */
  readonly retryAfterMs: number | null;
  /** The limit that is reached; null if the answer does not say. */
  readonly limit: TollgateLimit | null;
}

/** A 429. */
export class RateLimitError extends RefusedError {}

/** `getSession` gave a response that is an error; `code` and `message` are those in its body. */
export class SessionError extends RefusedError {}

/**
 * The answer broke off. `code` and `message` are the gateway's, if it could still say why; else the code is
 * `answer_broken`.
 */
export class BrokenAnswerError extends TollgateError {
  /** The words that came before. */
  readonly text: string;
  readonly requestId: string | null;
}

/** A limit of the session itself. Of limits that it shares with others, it is told nothing. */
export interface TollgateLimit {
  scope: string;
  metric: string;
  window: string | null;
  max: number;
  /** RFC 3339. */
  resets_at: string | null;
}
