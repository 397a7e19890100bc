import { BlockList, isIP } from 'node:net';

/*
 * Addresses of the public internet, and those that are not: who may have the gateway send something to an address of their
 * choice must not reach its own network with it, nor what only the machine itself may reach, such as the metadata of a
 * cloud at 169.254.169.254 (OWASP, Server-Side Request Forgery).
 */

/** IANA IPv4 Special-Purpose Address Registry, with multicast (RFC 5771) and what is reserved. */
const special4 = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const;

/** IANA IPv6 Special-Purpose Address Registry, as far as it is in `global6`. */
const special6 = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16], // carries an IPv4 address, of whatever kind
  ['3fff::', 20],
] as const;

/** All that IANA has given out as global unicast. Beyond it are also the addresses that carry an IPv4 one (RFC 4291, 6052). */
const global6 = new BlockList();
global6.addSubnet('2000::', 3, 'ipv6');

const special = new BlockList();
for (const [address, prefix] of special4) special.addSubnet(address, prefix, 'ipv4');
for (const [address, prefix] of special6) special.addSubnet(address, prefix, 'ipv6');

/** Whether an IP address is one of the public internet; a text that is no IP address is not. Pure. */
export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !special.check(address, 'ipv4');
    case 6:
      return global6.check(address, 'ipv6') && !special.check(address, 'ipv6');
    default:
      return false;
  }
}
