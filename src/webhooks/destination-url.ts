import { isIP } from 'node:net';
import { isPublicAddress } from '../base/public-address.ts';

/** Hosts that may have private addresses and plain HTTP: `host` or `host:port`, as `WEBHOOK_PRIVATE_HOSTS` names them. */
export type PrivateHosts = ReadonlySet<string>;

/** Where to send. */
export interface Destination {
  readonly url: URL;
  /** A name, or an IP address without brackets. */
  readonly host: string;
  /** Whether the operator has said that it may have a private address. */
  readonly mayBePrivate: boolean;
}

/** Reads the URL of a webhook. `problem` says what is expected, and never repeats the URL. Pure. */
export function destinationIn(
  text: string,
  privateHosts: PrivateHosts,
): { ok: true; destination: Destination } | { ok: false; problem: string } {
  const url = URL.parse(text);
  if (url === null) return { ok: false, problem: 'must be a URL, such as https://example.com/hooks' };
  const mayBePrivate = privateHosts.has(url.hostname) || privateHosts.has(`${url.hostname}:${portOf(url)}`);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && mayBePrivate)) {
    return { ok: false, problem: 'must begin with https://; http:// is for hosts of WEBHOOK_PRIVATE_HOSTS' };
  }
  if (url.username !== '' || url.password !== '') {
    return { ok: false, problem: 'must not have a user name or password' };
  }
  // The URL parser has written an address in its usual form, whatever form it came in: 0x7f.1 is 127.0.0.1.
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0 && !mayBePrivate && !isPublicAddress(host)) {
    return {
      ok: false,
      problem: 'must not have a private address; the operator can allow it in WEBHOOK_PRIVATE_HOSTS',
    };
  }
  return { ok: true, destination: { url, host, mayBePrivate } };
}

/** The host of a URL, for the log and the audit trail: its path may be a secret. Pure. */
export function hostOf(url: string): string {
  return URL.parse(url)?.host ?? 'unreadable';
}

function portOf({ port, protocol }: URL): string {
  return port === '' ? (protocol === 'http:' ? '80' : '443') : port;
}
