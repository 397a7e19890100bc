import { Refusal } from '../base/refusal.ts';

/** A name, an IPv4 address or an IPv6 address in brackets, and perhaps a port: RFC 3986, 3.2.2. */
const wellFormed = /^(?:[A-Za-z0-9._~%-]+|\[[0-9A-Fa-f:.]+\])(?::\d{0,5})?$/;

/** RFC 9112, 3.2: a request of HTTP/1.1 has exactly one Host, and a valid one. */
export function checkHost(host: string | undefined): Refusal | null {
  if (host !== undefined && wellFormed.test(host)) return null;
  const problem = host === undefined ? 'is missing' : 'is not a host name with an optional port';
  return new Refusal('invalid_request', `The Host header ${problem}.`, { param: 'host' });
}
