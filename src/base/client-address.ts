import { isIPv6 } from 'node:net';

/** Where a request comes from: what is written in its `X-Forwarded-For`, and the other end of its connection. */
export interface Sender {
  forwardedFor: string | string[] | undefined;
  peer: string | undefined;
}

/**
 * The client's address as Heroku's router saw it. The router appends to what the client sent, so only the rightmost
 * counts (Dev Center, http-routing). Null if there is none.
 */
export function forwardedAddress(forwardedFor: string | string[] | undefined): string | null {
  const last =
    String(forwardedFor ?? '')
      .split(',')
      .at(-1)
      ?.trim() ?? '';
  return last === '' ? null : last.slice(0, 64);
}

/** Who sends a request, as far as addresses tell: on a dyno the router says, elsewhere the connection does. */
export function clientAddress({ forwardedFor, peer }: Sender, onDyno: boolean): string {
  const address = (onDyno ? forwardedAddress(forwardedFor) : null) ?? peer;
  return address === undefined ? 'unknown' : networkOf(address);
}

/**
 * What counts as one address: an IPv4 address, also if it is mapped into IPv6 (RFC 4291, 2.5.5.2), or an IPv6 /64,
 * since whoever has one address of it has all (RFC 6177). Any other text stays as it is.
 */
export function networkOf(address: string): string {
  const [bare = ''] = address.split('%'); // without the zone
  if (!isIPv6(bare)) return address;
  const groups = groupsOf(bare);
  const [sixth = 0, seventh = 0, eighth = 0] = groups.slice(5);
  if (groups.slice(0, 5).every((group) => group === 0) && sixth === 0xffff) {
    return [seventh >> 8, seventh & 255, eighth >> 8, eighth & 255].join('.');
  }
  const prefix = groups.slice(0, 4).map((group) => group.toString(16));
  return `${prefix.join(':')}::/64`;
}

/** The eight groups of a valid IPv6 address; the last two may be written as IPv4. */
function groupsOf(address: string): number[] {
  const [head = '', tail] = address.split('::');
  const before = groupsIn(head);
  if (tail === undefined) return before;
  const after = groupsIn(tail);
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
}

function groupsIn(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number);
    return group.includes('.') ? [a * 256 + b, c * 256 + d] : [Number.parseInt(group, 16)];
  });
}
