import { isIP, type LookupFunction } from 'node:net';
import { Client, errors } from 'undici';
import { retryAfterMs } from '../base/retry-after.ts';
import { isPublicAddress } from '../base/public-address.ts';
import type { Destination } from './destination-url.ts';
import type { Resolve } from './resolve.ts';
import { failedBy, type TryError, type TryOutcome } from './try-outcome.ts';

/** How much of an answer is read. Nothing is done with it, but a receiver that breaks off has not taken the event. */
const maxAnswerBytes = 65_536;

export interface PostOptions {
  /** For all of it: resolving, connecting, head and body. */
  timeoutMs: number;
  resolve: Resolve;
  wallMs: number;
}

export interface Message {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * Sends a message once, over a connection of its own to an address that was checked: another answer of the name server
 * later changes nothing. Follows no redirect. Never rejects.
 */
export async function post(
  destination: Destination,
  message: Message,
  { timeoutMs, resolve, wallMs }: PostOptions,
): Promise<TryOutcome> {
  const signal = AbortSignal.timeout(timeoutMs);
  const addresses = await addressesOf(destination, resolve, signal);
  if (!Array.isArray(addresses)) return failedBy(signal.aborted ? 'timeout' : 'unresolvable');
  const isAllowed = destination.mayBePrivate || addresses.every(isPublicAddress);
  if (!isAllowed) return failedBy('refused_address');
  const { url } = destination;
  const client = new Client(url.origin, {
    connect: { lookup: pinnedTo(addresses), timeout: timeoutMs },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    allowH2: false,
  });
  try {
    const { statusCode, headers, body } = await client.request({
      method: 'POST',
      path: url.pathname + url.search,
      headers: message.headers,
      body: message.body,
      signal,
    });
    let bytes = 0;
    for await (const chunk of body as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > maxAnswerBytes) return failedBy('too_long', statusCode);
    }
    return outcomeOf(statusCode, retryAfterMs(headers, wallMs));
  } catch (error) {
    return failedBy(signal.aborted ? 'timeout' : errorIn(error));
  } finally {
    void client.destroy();
  }
}

function outcomeOf(status: number, askedMs: number | null): TryOutcome {
  if (status >= 200 && status < 300) return { kind: 'taken', status };
  if (status === 410) return { kind: 'gone', status };
  const asks = status === 429 || status === 503;
  const error = status < 400 ? 'redirect' : 'status';
  return { kind: 'failed', status, error, retryAfterMs: asks ? askedMs : null };
}

async function addressesOf(
  { host }: Destination,
  resolve: Resolve,
  signal: AbortSignal,
): Promise<string[] | null> {
  if (isIP(host) !== 0) return [host];
  const late = new Promise<null>((done) => {
    signal.addEventListener('abort', () => done(null), { once: true });
  });
  const found = await Promise.race([resolve(host, signal).catch(() => null), late]);
  return found === null || found.length === 0 ? null : [...found];
}

/** Node asks for the addresses of a name before it connects. It gets those that were checked. */
function pinnedTo(addresses: readonly string[]): LookupFunction {
  const all = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_host, { all: wantsAll }, answer) => {
    const [first] = all;
    if (wantsAll === true) answer(null, all);
    else answer(null, first?.address ?? '', first?.family);
  };
}

const unreachable = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL', 'ETIMEDOUT']);

/** The errors of OpenSSL that Node passes on: https://nodejs.org/api/tls.html#x509-certificate-error-codes. */
const ofTls = /^(?:ERR_TLS|ERR_SSL|CERT_|CRL_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|HOSTNAME_|INVALID_|EPROTO)/;

function errorIn(error: unknown): TryError {
  if (error instanceof errors.HTTPParserError) return 'not_http';
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (/^UND_ERR_(?:CONNECT|HEADERS|BODY)_TIMEOUT$/.test(code)) return 'timeout';
  if (unreachable.has(code)) return 'unreachable';
  return ofTls.test(code) ? 'tls' : 'reset';
}
