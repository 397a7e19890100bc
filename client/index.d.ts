/** What `POST /v1/sessions` answers, as far as this client reads it; the whole answer may be passed on. */
export interface TollgateSession {
  /** The short-lived token: `tgs_…`. */
  token: string;
  /** Its life in seconds, counted from when it was asked for. Preferred: the visitor's clock may be wrong. */
  expires_in?: number;
  /** When it expires, in RFC 3339; held against the visitor's clock, and read only without `expires_in`. */
  expires_at?: string;
}

export interface TollgateOptions {
  /** The gateway: `https://gateway.example.com`. A path, such as `/v1`, is ignored. */
  url: string | URL;
  /**
   * Asks the site's own back end for a session; called at first use and for each renewal, never twice at a
   * time. What it rejects with, the waiting requests reject with; the next request calls it again.
   */
  getSession: () => Promise<TollgateSession>;
  /** How long before its expiry a session is renewed; a tenth of its life, at most 60 s, by default. */
  renewBeforeMs?: number;
}

/**
 * A `fetch` for one gateway, with a session as its credential.
 *
 * It takes what `fetch` takes, except that a relative URL is resolved against the gateway's origin, cookies are
 * never sent and redirects are errors. `Authorization` and `x-api-key` in its arguments are replaced by the
 * session. A request refused because its session expired is sent once more with a new one, unless its body is
 * a stream.
 *
 * Throws a TypeError where `url` is not an absolute http(s) URL. The returned function rejects with a TypeError
 * for a URL of another origin, and where `getSession` gives no token.
 */
export function createTollgate(options: TollgateOptions): typeof globalThis.fetch;
