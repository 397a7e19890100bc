import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JWK } from 'jose';
import {
  makeKey,
  type SigningAlgorithm,
  type SigningKey,
  signToken,
  withoutUndefined,
} from '../../examples/browser/signing-keys.ts';
import { type Clock, systemClock } from '../../src/base/clock.ts';
import { CodeFlow } from './code-flow.ts';

export { makeKey, type SigningAlgorithm, type SigningKey };

export interface SignOptions {
  /** Beside or instead of `alg`, `kid` and `typ`; undefined leaves one out. */
  header?: Record<string, unknown>;
  /** Default: the issuer's own RS256 key. */
  key?: SigningKey | SigningAlgorithm;
}

/** An OpenID provider on loopback: discovery, keys, and tokens of any kind. What is under /moved redirects. */
export interface OidcIssuer {
  /** The issuer, without a slash at the end. */
  readonly url: string;
  readonly jwksUri: string;
  /** How often each document was asked for. */
  readonly fetches: { discovery: number; jwks: number };
  /** What discovery answers; change it to lie. */
  readonly discovery: Record<string, unknown>;
  /** The keys published; change them to publish others. */
  readonly jwks: JWK[];
  /** Its own key of an algorithm. */
  key(alg: SigningAlgorithm): SigningKey;
  /** Its authorize and token endpoints. */
  readonly codeFlow: CodeFlow;
  /** An ID token of `sub` user-1 for `aud` client-1, valid for an hour, but for `claims`; undefined leaves one out. */
  sign(claims?: Record<string, unknown>, options?: SignOptions): Promise<string>;
  /** New keys with new names take the place of the old ones. */
  rotate(): Promise<void>;
  /** While down, connections are cut without an answer. */
  setDown(down?: boolean): void;
  /** How long each answer takes from now on. */
  setSlow(ms: number): void;
  close(): Promise<void>;
}

/** Starts a provider on a free port of 127.0.0.1; `clock` is what its tokens are dated by. */
export async function startIssuer({ clock = systemClock }: { clock?: Clock } = {}): Promise<OidcIssuer> {
  const state = { down: false, slowMs: 0, keys: await makeKeys() };
  const fetches = { discovery: 0, jwks: 0 };
  const jwks = publicKeys(state.keys);
  const discovery: Record<string, unknown> = {};

  const server = createServer((request, response) => {
    if (request.url?.startsWith('/moved/')) return redirect(response, request.url.replace('/moved', ''));
    if (!state.down && codeFlow.handles(request)) return void codeFlow.answer(request, response);
    const found = request.url === '/jwks' ? 'jwks' : 'discovery';
    if (found === 'discovery' && request.url !== '/.well-known/openid-configuration')
      return send(response, 404, {});
    fetches[found] += 1;
    if (state.down) return request.socket.destroy();
    void answerLate(response, state.slowMs, found === 'jwks' ? { keys: jwks } : discovery);
  });
  const url = await listen(server);
  const jwksUri = `${url}/jwks`;
  Object.assign(discovery, { issuer: url, jwks_uri: jwksUri, ...CodeFlow.metadata(url) });
  const key = (alg: SigningAlgorithm): SigningKey => state.keys[alg];
  const sign: OidcIssuer['sign'] = (claims = {}, { header = {}, key: chosen = 'RS256' } = {}) => {
    const nowS = Math.floor(clock.now() / 1_000);
    const payload = { iss: url, sub: 'user-1', aud: 'client-1', iat: nowS, exp: nowS + 3_600, ...claims };
    return signToken(withoutUndefined(payload), typeof chosen === 'string' ? key(chosen) : chosen, header);
  };
  const codeFlow = new CodeFlow(url, sign);

  return {
    url,
    jwksUri,
    fetches,
    discovery,
    jwks,
    key,
    codeFlow,
    sign,
    async rotate() {
      state.keys = await makeKeys();
      jwks.splice(0, jwks.length, ...publicKeys(state.keys));
    },
    setDown(down = true) {
      state.down = down;
    },
    setSlow(ms) {
      state.slowMs = ms;
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function makeKeys(): Promise<Record<SigningAlgorithm, SigningKey>> {
  const [rs256, es256] = await Promise.all([makeKey('RS256'), makeKey('ES256')]);
  return { RS256: rs256, ES256: es256 };
}

function publicKeys(keys: Record<SigningAlgorithm, SigningKey>): JWK[] {
  return Object.values(keys).map(({ jwk }) => jwk);
}

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The issuer has no port.');
  return `http://127.0.0.1:${address.port}`;
}

async function answerLate(response: ServerResponse, slowMs: number, body: unknown): Promise<void> {
  if (slowMs > 0) await sleep(slowMs, undefined, { ref: false });
  send(response, 200, body);
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function redirect(response: ServerResponse, location: string): void {
  response.writeHead(302, { location }).end();
}
