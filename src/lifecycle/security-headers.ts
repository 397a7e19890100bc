/** Headers of a reply as Node takes them: a flat list of names and values, or an object. */
export type ReplyHeaders = string[] | Record<string, string>;

/**
 * On every reply, for browsers that may show or keep it (OWASP, REST Security Cheat Sheet): no type sniffing, no
 * framing, no loading from a reply, no referrer to other sites. A flat list.
 */
export const securityHeaders: readonly string[] = [
  'x-content-type-options',
  'nosniff',
  'content-security-policy',
  "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy',
  'no-referrer',
];

/** If https is the only way in, browsers remember that for a year (RFC 6797). */
export const strictTransport: readonly string[] = ['strict-transport-security', 'max-age=31536000'];

/** A reply's own headers and those of every reply. Its own win if both have one. */
export function withHeaders(own: ReplyHeaders | undefined, all: readonly string[]): ReplyHeaders {
  return Array.isArray(own) ? [...own, ...all] : namedHeaders(all, own);
}

/** A flat list of headers as an object, with those of `own`, which win. */
export function namedHeaders(all: readonly string[], own?: Record<string, string>): Record<string, string> {
  const named: Record<string, string> = {};
  for (let at = 0; at + 1 < all.length; at += 2) named[all[at] ?? ''] = all[at + 1] ?? '';
  return Object.assign(named, own);
}
