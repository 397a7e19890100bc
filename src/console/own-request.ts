import type { IncomingHttpHeaders } from 'node:http';
import { Refusal } from '../base/refusal.ts';

/** A header that only a page of this origin can send without asking first: others need a preflight, which is refused. */
export const ownHeader = 'x-tollgate-console';

/**
 * Why a request does not come from the console's own pages; null if it does. A browser says where a request comes from
 * (Fetch Metadata, `Sec-Fetch-Site`): a sibling host is `same-site`, and its requests carry the cookie. A change must
 * come from this origin and have the console's header; a reading may also be an address that a person typed. What is
 * fetched before it is asked for (`Sec-Purpose`) may say `none`, though a page elsewhere wants it (speculation rules).
 */
export function foreignRequest({
  method = 'GET',
  headers,
}: {
  method?: string | undefined;
  headers: IncomingHttpHeaders;
}): Refusal | null {
  const site = headers['sec-fetch-site'];
  const reads = method === 'GET' || method === 'HEAD';
  const isTyped = (site === undefined || site === 'none') && headers['sec-purpose'] === undefined;
  const isOwn = reads
    ? site === 'same-origin' || isTyped
    : site === 'same-origin' && headers[ownHeader] !== undefined;
  if (isOwn) return null;
  const needed = `"Sec-Fetch-Site: same-origin"${reads ? '' : ` and the header ${ownHeader}`}`;
  const missing =
    site === undefined
      ? ' Browsers send the former over https, and on localhost: open the console there.'
      : '';
  const message = `Only the pages of the console may send this: it needs ${needed}.${missing} Programs use /admin and /v1.`;
  return new Refusal('origin_not_allowed', message);
}
