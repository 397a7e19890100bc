/** Headers of a reply as Node takes them: a flat list of names and values, or an object. */
export type ReplyHeaders = string[] | Record<string, string>;

/**
 * What every reply has, for the browser that may show or keep it (OWASP, REST Security Cheat Sheet): nothing is
 * guessed, framed, loaded from a reply or told to other sites. A flat list.
 */
export const securityHeaders: readonly string[] = [
  'x-content-type-options',
  'nosniff',
  'content-security-policy',
  "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy',
  'no-referrer',
];

/** Where https is the only way in, browsers are to remember it (RFC 6797); a year. */
export const strictTransport: readonly string[] = ['strict-transport-security', 'max-age=31536000'];

/** A reply's own headers with what every reply has; its own go first where both say something. */
export function withHeaders(own: ReplyHeaders | undefined, all: readonly string[]): ReplyHeaders {
  if (Array.isArray(own)) return [...own, ...all];
  const added: Record<string, string> = {};
  for (let at = 0; at + 1 < all.length; at += 2) added[all[at] ?? ''] = all[at + 1] ?? '';
  return Object.assign(added, own);
}
