/** What `POST /v1/sessions` answers, as far as this client reads it; the whole answer may be passed on. */
export interface TollgateSession {
  /** The short-lived token: `tgs_…`. */
  token: string;
  /** Its life in seconds from the request for it. Preferred, because the visitor's clock may be wrong. */
  expires_in?: number;
  /** When it expires, RFC 3339. Compared with the visitor's clock; read only if there is no `expires_in`. */
  expires_at?: string;
}

export interface TollgateOptions {
  /** The gateway: `https://gateway.example.com`. A path, such as `/v1`, is ignored. */
  url: string | URL;
  /**
   * Asks the site's own back end for a session. Called at first use and for each renewal, never twice at a time.
   * If it rejects, the waiting requests reject with the same error, and the next request calls it again.
   */
  getSession: () => Promise<TollgateSession>;
  /** How long before its expiry a session is renewed. Default: a tenth of its life, at most 60 s. */
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
 * Throws a TypeError if `url` is not an absolute http(s) URL. The returned function rejects with a TypeError
 * for a URL of another origin, and if `getSession` gives no token.
 */
export function createTollgate(options: TollgateOptions): typeof globalThis.fetch;
