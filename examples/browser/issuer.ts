import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { signInPage, users } from './issuer-page.ts';
import { makeKey, type SigningKey, signToken } from './signing-keys.ts';

/*
 * An OpenID provider for the examples: it signs anyone in with a click. Authorization code with PKCE, public clients
 * only. Not for anything but loopback.
 */

export interface ExampleIssuerOptions {
  clientId: string;
  /** The exact addresses of the pages that sign people in. */
  redirectUris: string[];
  /** Default: 0, any free port. */
  port?: number;
  /** How long an ID token is valid, seconds. */
  idTokenLifeS?: number;
}

export interface ExampleIssuer {
  /** The issuer, without a slash at the end. */
  readonly url: string;
  /** Signs with a new key from now on. The old one stays published, so its signatures stay valid. */
  rotate(): Promise<void>;
  close(): Promise<void>;
}

/** What a code stands for. A code is valid once, for a minute. */
interface Issued {
  user: User;
  redirectUri: string;
  nonce: string | null;
  challenge: string;
  /** ms since the epoch. */
  expiresAtMs: number;
}

type User = keyof typeof users;

const codeLifeMs = 60_000;
const maxFormBytes = 10_000;

/** Starts one on loopback. */
export async function startExampleIssuer(options: ExampleIssuerOptions): Promise<ExampleIssuer> {
  const { port = 0, clientId, redirectUris, idTokenLifeS = 3_600 } = options;
  const keys: SigningKey[] = [await makeKey('RS256')];
  const codes = new Map<string, Issued>();
  let issuer = '';

  const server = createServer({ requestTimeout: 10_000 }, (request, response) => {
    handle(request, response).catch(() => sendError(response, 'server_error'));
  });

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', issuer);
    switch (`${request.method} ${url.pathname}`) {
      case 'GET /.well-known/openid-configuration':
        return sendJson(response, 200, discovery(issuer));
      case 'GET /jwks':
        return sendJson(response, 200, { keys: keys.map(({ jwk }) => jwk) });
      case 'GET /authorize':
        return isAskedWell(url.searchParams)
          ? sendHtml(response, signInPage)
          : sendError(response, 'invalid_request');
      case 'POST /authorize':
        return authorize(url.searchParams, await formOf(request), response);
      case 'POST /token':
        return redeem(await formOf(request), response);
      default:
        return sendJson(response, 404, { error: 'not_found' });
    }
  }

  /** On any other request the visitor is not sent back to the page: only its owner decides where codes go. */
  function isAskedWell(query: URLSearchParams): boolean {
    return (
      query.get('client_id') === clientId &&
      redirectUris.includes(query.get('redirect_uri') ?? '') &&
      query.get('response_type') === 'code' &&
      query.get('code_challenge_method') === 'S256' &&
      query.has('code_challenge')
    );
  }

  function authorize(query: URLSearchParams, form: URLSearchParams, response: ServerResponse): void {
    const user = form.get('user') ?? '';
    if (!isAskedWell(query) || !isUser(user)) return sendError(response, 'invalid_request');
    const code = randomBytes(24).toString('base64url');
    forgetExpired(codes);
    const redirectUri = query.get('redirect_uri') ?? '';
    codes.set(code, {
      user,
      redirectUri,
      nonce: query.get('nonce'),
      challenge: query.get('code_challenge') ?? '',
      expiresAtMs: Date.now() + codeLifeMs,
    });
    const back = new URL(redirectUri);
    back.search = String(new URLSearchParams({ code, state: query.get('state') ?? '', iss: issuer }));
    response.writeHead(303, { location: back.href }).end();
  }

  async function redeem(form: URLSearchParams, response: ServerResponse): Promise<void> {
    forgetExpired(codes);
    const issued = codes.get(form.get('code') ?? '');
    codes.delete(form.get('code') ?? '');
    if (form.get('grant_type') !== 'authorization_code') return sendError(response, 'unsupported_grant_type');
    if (form.get('client_id') !== clientId) return sendError(response, 'invalid_client');
    const isGood =
      issued?.challenge === challengeOf(form.get('code_verifier') ?? '') &&
      form.get('redirect_uri') === issued.redirectUri;
    if (!issued || !isGood) return sendError(response, 'invalid_grant');
    sendJson(response, 200, {
      token_type: 'Bearer',
      access_token: randomBytes(24).toString('base64url'), // good for nothing here, but the standard has one
      expires_in: idTokenLifeS,
      id_token: await idTokenFor(issued),
    });
  }

  async function idTokenFor({ user, nonce }: Issued): Promise<string> {
    const key = keys.at(-1);
    if (!key) throw new TypeError('There is no key.');
    const iat = Math.floor(Date.now() / 1_000);
    const docs = { sub: `user-${user}`, name: users[user], ...(nonce === null ? {} : { nonce }) };
    return signToken({ iss: issuer, aud: clientId, iat, exp: iat + idTokenLifeS, ...docs }, key);
  }

  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: issuer,
    rotate: async () => {
      keys.push(await makeKey('RS256'));
      keys.splice(0, keys.length - 2);
    },
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function discovery(issuer: string): Record<string, unknown> {
  return {
    issuer,
    jwks_uri: `${issuer}/jwks`,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: ['none'],
    authorization_response_iss_parameter_supported: true,
  };
}

function isUser(text: string): text is User {
  return Object.hasOwn(users, text);
}

function forgetExpired(codes: Map<string, Issued>): void {
  for (const [code, { expiresAtMs }] of codes) if (expiresAtMs <= Date.now()) codes.delete(code);
}

/** RFC 7636, 4.6. */
function challengeOf(verifier: string): string {
  return createHash('sha256').update(verifier).digest('base64url');
}

async function formOf(request: IncomingMessage): Promise<URLSearchParams> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) {
    text += chunk as string;
    if (text.length > maxFormBytes) throw new RangeError('The form is too large.');
  }
  return new URLSearchParams(text);
}

function sendHtml(response: ServerResponse, html: string): void {
  response
    .writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' })
    .end(html);
}

function sendError(response: ServerResponse, error: string): void {
  if (response.headersSent) response.destroy();
  else sendJson(response, 400, { error, error_description: 'The example provider refused this request.' });
}

/** Any page may read it: no cookie is involved. */
function sendJson(response: ServerResponse, status: number, value: unknown): void {
  const headers = { 'content-type': 'application/json', 'access-control-allow-origin': '*' };
  response.writeHead(status, { ...headers, 'cache-control': 'no-store' }).end(JSON.stringify(value));
}
