import { hash, randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import type { SigningKey } from '../../examples/browser/signing-keys.ts';

type Sign = (claims: Record<string, unknown>, options?: { key?: SigningKey }) => Promise<string>;

interface Grant {
  challenge: string;
  nonce: string;
  redirectUri: string;
}

/**
 * Authorization code with PKCE, as strict as providers are: a code works once, for its redirect URI, its client and its
 * verifier. Whoever comes to /authorize is signed in at once, as the person of `claims`.
 */
export class CodeFlow {
  readonly clientId = 'the-console';
  /** Null: a public client. */
  clientSecret: string | null = null;
  /** What is registered. */
  readonly redirectUris = new Set<string>();
  /** Of the person who is signed in; undefined leaves a claim out. */
  claims: Record<string, unknown> = {};
  /** Signs ID tokens in place of the issuer's own key. */
  key: SigningKey | null = null;
  /** Instead of a code. */
  error: string | null = null;
  /** The `iss` parameter: RFC 9207. */
  sentIssuer: string | undefined;
  /** How often a code was exchanged, or tried. */
  exchanges = 0;
  readonly #url: string;
  readonly #sign: Sign;
  readonly #grants = new Map<string, Grant>();

  constructor(url: string, sign: Sign) {
    this.#url = url;
    this.#sign = sign;
  }

  static metadata(url: string): Record<string, unknown> {
    return { authorization_endpoint: `${url}/authorize`, token_endpoint: `${url}/token` };
  }

  handles({ url = '' }: IncomingMessage): boolean {
    return /^\/(?:authorize|token)(?:\?|$)/.test(url);
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', this.#url);
    if (url.pathname === '/authorize') return this.#authorize(url.searchParams, response);
    const sent = new URLSearchParams(await text(request));
    this.exchanges += 1;
    const grant = this.#grants.get(sent.get('code') ?? '');
    this.#grants.delete(sent.get('code') ?? '');
    if (!this.#isClient(sent, request.headers.authorization))
      return sendError(response, 401, 'invalid_client');
    if (grant === undefined || !isFor(grant, sent)) return sendError(response, 400, 'invalid_grant');
    const claims = { aud: this.clientId, nonce: grant.nonce, ...this.claims };
    const idToken = await this.#sign(claims, this.key ? { key: this.key } : {});
    send(response, 200, { access_token: 'unused', token_type: 'Bearer', expires_in: 60, id_token: idToken });
  }

  #authorize(asked: URLSearchParams, response: ServerResponse): void {
    const redirectUri = asked.get('redirect_uri') ?? '';
    const isRegistered = this.redirectUris.has(redirectUri) && asked.get('client_id') === this.clientId;
    const isProper =
      asked.get('response_type') === 'code' &&
      asked.get('code_challenge_method') === 'S256' &&
      (asked.get('scope') ?? '').split(' ').includes('openid');
    if (!isRegistered || !isProper) return send(response, 400, { error: 'invalid_request' });
    const code = randomBytes(16).toString('hex');
    const [challenge = '', nonce = ''] = [asked.get('code_challenge'), asked.get('nonce')].map(String);
    this.#grants.set(code, { challenge, nonce, redirectUri });
    const back = new URL(redirectUri);
    back.searchParams.set('state', asked.get('state') ?? '');
    if (this.error === null) back.searchParams.set('code', code);
    else back.searchParams.set('error', this.error);
    if (this.sentIssuer !== undefined) back.searchParams.set('iss', this.sentIssuer);
    response.writeHead(302, { location: back.href }).end();
  }

  /** `client_secret_basic`, or nothing but the id: RFC 6749, 2.3.1. */
  #isClient(sent: URLSearchParams, authorization: string | undefined): boolean {
    if (this.clientSecret === null) return sent.get('client_id') === this.clientId;
    const [, basic = ''] = /^Basic (.+)$/.exec(authorization ?? '') ?? [];
    const pair = Buffer.from(basic, 'base64').toString().split(':').map(decodeURIComponent);
    return pair[0] === this.clientId && pair[1] === this.clientSecret;
  }
}

function isFor({ challenge, redirectUri }: Grant, sent: URLSearchParams): boolean {
  return (
    sent.get('grant_type') === 'authorization_code' &&
    sent.get('redirect_uri') === redirectUri &&
    hash('sha256', sent.get('code_verifier') ?? '', 'base64url') === challenge
  );
}

function sendError(response: ServerResponse, status: number, error: string): void {
  send(response, status, { error });
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
