/* The address that a proof is for, its `htu` claim: RFC 9449, 4.3, 9. Pure. */

/** A request, as far as its address goes. */
interface Addressed {
  /** As it came: a path with a query, or a whole URL (RFC 9112, 3.2.2). */
  target: string;
  host: string | undefined;
}

/**
 * The addresses that name a request. `publicUrls`: where pages reach this gateway. Without them the Host header says it,
 * which Heroku's router has checked; elsewhere a proxy in front may have taken the encryption off, so http and https both count.
 */
export function addressesOf(
  { target, host }: Addressed,
  { publicUrls, onDyno }: { publicUrls: readonly string[]; onDyno: boolean },
): string[] {
  const path = pathOf(target);
  if (publicUrls.length > 0) return publicUrls.map((url) => url + path);
  if (host === undefined) return [];
  return (onDyno ? ['https'] : ['http', 'https']).map((scheme) => `${scheme}://${host}${path}`);
}

/** Whether two addresses are the same but for query and fragment, normalised as RFC 3986, 6.2.2 and 6.2.3, have it. */
export function isSameAddress(htu: string, address: string): boolean {
  if (htu === address) return true;
  const normal = normalAddress(htu);
  return normal !== null && normal === normalAddress(address);
}

/** Null if it is none of http or https, or names a person. */
function normalAddress(text: string): string | null {
  // The parser would drop white space, and take a backslash for a slash.
  const url = /^[\x21-\x5b\x5d-\x7e]+$/.test(text) ? URL.parse(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) return null;
  if (url.username !== '' || url.password !== '') return null;
  return url.origin + url.pathname.replace(/%[0-9a-f]{2}/gi, normalEscape);
}

/** What need not be escaped is not, and the digits of other escapes are upper case. */
function normalEscape(escape: string): string {
  const character = String.fromCharCode(Number.parseInt(escape.slice(1), 16));
  return /[A-Za-z0-9._~-]/.test(character) ? character : escape.toUpperCase();
}

function pathOf(target: string): string {
  if (!target.startsWith('/')) return URL.parse(target)?.pathname ?? '/';
  const end = target.search(/[?#]/);
  return end < 0 ? target : target.slice(0, end);
}
