import { CompactSign, EncryptJWT, exportSPKI, type JWK } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/base/clock.ts';
import type { TrustedIssuer } from '../../../src/config/issuer.ts';
import { IdTokenVerifier, type VerifiedIdToken } from '../../../src/sign-in/id-token.ts';
import { SignInRefusal } from '../../../src/sign-in/oauth-error.ts';
import { makeKey, type OidcIssuer, startIssuer } from '../../support/oidc-issuer.ts';
import { trustedIssuer } from './trusted.ts';

const nowS = 1_800_000_000;
const clock: Clock = { now: () => nowS * 1_000, monotonic: () => performance.now() };

let issuer: OidcIssuer;
let other: OidcIssuer;
let verifier: IdTokenVerifier;

beforeAll(async () => {
  [issuer, other] = await Promise.all([startIssuer({ clock }), startIssuer({ clock })]);
  verifier = new IdTokenVerifier({ clock, issuers: [trusting(issuer), trusting(other)] });
});
afterAll(() => Promise.all([issuer.close(), other.close()]));

function trusting({ url }: OidcIssuer, fields: Partial<TrustedIssuer> = {}): TrustedIssuer {
  return trustedIssuer({ issuer: url, ...fields });
}

async function accepted(text: string): Promise<VerifiedIdToken> {
  const result = await verifier.verify(text);
  if (result instanceof SignInRefusal) throw new Error(result.description);
  return result;
}

/** The description of the refusal, which must be an invalid_request without a piece of the token in it. */
async function refused(text: string, by = verifier): Promise<string> {
  const result = await by.verify(text);
  if (!(result instanceof SignInRefusal)) throw new Error('The token was accepted.');
  expect(result).toMatchObject({ error: 'invalid_request', status: 400, cause: undefined });
  for (const part of text.split('.')) {
    if (part.length > 8) expect(result.description).not.toContain(part);
  }
  return result.description;
}

function encoded(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

describe('email_verified as the text "true"', () => {
  const verifiedBy = async (isTaken: boolean, value: unknown): Promise<unknown> => {
    const issuers = [trusting(issuer, isTaken ? { takesTextEmailVerified: true } : {})];
    const result = await new IdTokenVerifier({ clock, issuers }).verify(
      await issuer.sign({ email_verified: value }),
    );
    return result instanceof SignInRefusal ? result : result.claims['email_verified'];
  };

  it('is what it says only if the issuer’s entry takes it', async () => {
    expect(await verifiedBy(false, 'true')).toBe('true');
    expect(await verifiedBy(true, 'true')).toBe(true);
    for (const wrong of ['True', ' true', '1', 'false', false, 1])
      expect(await verifiedBy(true, wrong)).toBe(wrong);
  });
});

describe('an ID token', () => {
  it('is accepted with what its claims say', async () => {
    const text = await issuer.sign({ email: 'a@example.com' });
    expect(await accepted(text)).toMatchObject({
      issuer: { issuer: issuer.url },
      subject: 'user-1',
      claims: { iss: issuer.url, email: 'a@example.com' },
      expiresAtMs: (nowS + 3_600) * 1_000,
      replayKey: expect.stringMatching(/^[\w-]{43}$/),
    });
  });

  it.each([
    ['signed with ES256', {}, { key: 'ES256' }],
    ['without a typ', {}, { header: { typ: undefined } }],
    ['of the typ jwt', {}, { header: { typ: 'application/jwt' } }],
    ['for another client of ours', { aud: 'client-2' }, {}],
    ['for a client of ours alone, in a list', { aud: ['client-1'] }, {}],
    ['for several, made for ours', { aud: ['other', 'client-1'], azp: 'client-1' }, {}],
    ['made for ours', { azp: 'client-2' }, {}],
    ['expired within the tolerance', { exp: nowS - 29 }, {}],
    ['not valid yet within the tolerance', { nbf: nowS + 30 }, {}],
    ['issued in the future within the tolerance', { iat: nowS + 30 }, {}],
    ['with a subject of 255 characters', { sub: 's'.repeat(255) }, {}],
  ] as const)('is accepted %s', async (_, claims, options) => {
    await accepted(await issuer.sign(claims, options));
  });

  it.each([
    ['for another client', { aud: 'other' }, /^The aud claim/],
    ['for a client in upper case', { aud: 'CLIENT-1' }, /^The aud claim/],
    ['for nobody', { aud: undefined }, /^The aud claim/],
    ['for an empty list', { aud: [] }, /^The aud claim/],
    ['for an object', { aud: { 0: 'client-1' } }, /^The aud claim/],
    ['expired', { exp: nowS - 30 }, /expired/],
    ['that never expires', { exp: undefined }, /^The exp claim/],
    ['that expires at a text', { exp: '2100-01-01' }, /^The exp claim/],
    ['that expires after the end of time', { exp: 1e300 }, /^The exp claim/],
    ['not valid yet', { nbf: nowS + 31 }, /nbf/],
    ['issued in the future', { iat: nowS + 31 }, /iat/],
    ['issued at no time', { iat: undefined }, /^The iat claim/],
    ['issued at a text', { iat: 'now' }, /^The iat claim/],
    ['of nobody', { sub: undefined }, /^The sub claim/],
    ['of an empty subject', { sub: '' }, /^The sub claim/],
    ['of a number', { sub: 1 }, /^The sub claim/],
    ['of a subject too long', { sub: 's'.repeat(256) }, /^The sub claim/],
    ['for several without azp', { aud: ['client-1', 'client-2'] }, /several audiences/],
    ['made for another client', { azp: 'other' }, /azp/],
    ['for several, made for another', { aud: ['client-1', 'other'], azp: 'other' }, /azp/],
    ['made for null', { azp: null }, /azp/],
    ['made for a list', { azp: ['client-1'] }, /azp/],
    ['without an issuer', { iss: undefined }, /no iss claim/],
    ['of a list of issuers', { iss: ['https://accounts.example.com'] }, /no iss claim/],
    ['of an issuer nobody trusts', { iss: 'https://evil.example.com' }, /not a trusted issuer/],
    ['of an inherited issuer', { iss: 'constructor' }, /not a trusted issuer/],
  ])('is refused %s', async (_, claims, description) => {
    expect(await refused(await issuer.sign(claims))).toMatch(description);
  });

  it.each([
    ['with a slash', (url: string) => `${url}/`],
    ['in upper case', (url: string) => url.toUpperCase()],
    ['with a space', (url: string) => `${url} `],
    ['under another name of the host', (url: string) => url.replace('127.0.0.1', 'localhost')],
  ])('is refused where its issuer is written %s', async (_, change) => {
    expect(await refused(await issuer.sign({ iss: change(issuer.url) }))).toMatch(/not a trusted issuer/);
  });
});

describe('a signature', () => {
  it('is none: refused, with or without one behind it', async () => {
    const [, payload] = (await issuer.sign()).split('.');
    const unsigned = `${encoded({ alg: 'none' })}.${payload}`;
    expect(await refused(`${unsigned}.`)).toMatch(/not a signed JWT/);
    expect(await refused(`${unsigned}.AAAA`)).toMatch(/algorithm/);
    expect(await refused(`${encoded({ alg: 'nOnE' })}.${payload}.AAAA`)).toMatch(/algorithm/);
    expect(await refused(`${encoded({})}.${payload}.AAAA`)).toMatch(/could not be verified/);
  });

  it('is an HMAC with the public key as the secret: refused', async () => {
    const { publicKey, jwk, kid } = issuer.key('RS256');
    const payload = new TextEncoder().encode(
      JSON.stringify({ iss: issuer.url, aud: 'client-1', sub: 'admin' }),
    );
    const secrets = [await exportSPKI(publicKey), String(jwk.n), JSON.stringify(jwk)];
    for (const secret of [
      ...secrets.map((text) => Buffer.from(text)),
      Buffer.from(String(jwk.n), 'base64url'),
    ]) {
      const text = await new CompactSign(payload).setProtectedHeader({ alg: 'HS256', kid }).sign(secret);
      expect(await refused(text)).toMatch(/algorithm/);
    }
  });

  it('by an algorithm that is not on the list is refused', async () => {
    const strict = new IdTokenVerifier({ clock, issuers: [trusting(issuer, { algorithms: ['RS256'] })] });
    expect(await refused(await issuer.sign({}, { key: 'ES256' }), strict)).toMatch(/algorithm/);
  });

  it('by a key that is not published is refused', async () => {
    const fresh = (): IdTokenVerifier => new IdTokenVerifier({ clock, issuers: [trusting(issuer)] });
    const unknown = await issuer.sign({}, { key: await makeKey('RS256') });
    expect(await refused(unknown, fresh())).toMatch(/does not publish/);
    expect(await refused(await issuer.sign({}, { header: { kid: 1 } }), fresh())).toMatch(/./);
  });

  it('by a key of the same name is refused, be it made up or that of another issuer', async () => {
    const { kid } = issuer.key('RS256');
    expect(await refused(await issuer.sign({}, { key: await makeKey('RS256', kid) }))).toMatch(/signature/);
    const theirs = { ...other.key('RS256'), kid };
    expect(await refused(await issuer.sign({}, { key: theirs }))).toMatch(/signature/);
    const fresh = new IdTokenVerifier({ clock, issuers: [trusting(other)] });
    expect(await refused(await issuer.sign({ iss: other.url }), fresh)).toMatch(/does not publish/);
  });

  it('by a key in the header is refused', async () => {
    const key = await makeKey('RS256', issuer.key('RS256').kid);
    const headers: Record<string, unknown>[] = [
      { jwk: key.jwk },
      { jku: other.jwksUri },
      { x5u: other.jwksUri },
    ];
    for (const header of headers) {
      expect(await refused(await issuer.sign({}, { key, header }))).toMatch(/signature/);
    }
  });

  it('of other claims is refused', async () => {
    const [header, , signature] = (await issuer.sign()).split('.');
    const [, payload] = (await issuer.sign({ sub: 'admin' })).split('.');
    expect(await refused(`${header}.${payload}.${signature}`)).toMatch(/signature/);
  });

  it('without a key name is refused where several keys could be meant, accepted where one could', async () => {
    const text = await issuer.sign({}, { header: { kid: undefined } });
    await accepted(text);
    const twice = await startIssuer({ clock });
    try {
      const double: JWK = (await makeKey('RS256', twice.key('RS256').kid)).jwk;
      twice.jwks.push(double);
      const verifyTwice = new IdTokenVerifier({ clock, issuers: [trusting(twice)] });
      expect(await refused(await twice.sign(), verifyTwice)).toMatch(/Several keys/);
      expect(await refused(await twice.sign({}, { header: { kid: undefined } }), verifyTwice)).toMatch(
        /Several/,
      );
    } finally {
      await twice.close();
    }
  });

  it('written in another way is the same token', async () => {
    const text = await issuer.sign({}, { key: 'ES256' });
    const { replayKey } = await accepted(text);
    const [header, payload, signature = ''] = text.split('.');
    const bytes = Buffer.from(signature, 'base64url');
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
    const s = order - BigInt(`0x${bytes.subarray(32).toString('hex')}`);
    const mirrored = Buffer.concat([
      bytes.subarray(0, 32),
      Buffer.from(s.toString(16).padStart(64, '0'), 'hex'),
    ]);
    const rewritten = `${header}.${payload}.${mirrored.toString('base64url')}`;
    expect(rewritten).not.toBe(text);
    expect((await accepted(rewritten)).replayKey).toBe(replayKey);
    expect((await accepted(await issuer.sign({ jti: '2' }))).replayKey).not.toBe(replayKey);
  });
});

describe('a text', () => {
  it('with extensions that must be understood is refused', async () => {
    const [header = '', payload, signature] = (await issuer.sign()).split('.');
    const { alg, kid } = JSON.parse(Buffer.from(header, 'base64url').toString());
    for (const crit of [['exp'], ['b64'], [], null]) {
      const changed = encoded({ alg, kid, crit, b64: true });
      expect(await refused(`${changed}.${payload}.${signature}`)).toMatch(/crit/);
    }
  });

  it.each(['at+jwt', 'logout+jwt', 'secevent+jwt', 'JOSE', '', 1, ['JWT'], null])(
    'of the typ %j is refused',
    async (typ) => {
      expect(await refused(await issuer.sign({}, { header: { typ } }))).toMatch(/typ header/);
    },
  );

  it('that is encrypted is refused', async () => {
    const text = await new EncryptJWT({ iss: issuer.url, aud: 'client-1', sub: 'user-1' })
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
      .encrypt(new Uint8Array(32));
    expect(await refused(text)).toMatch(/encrypted/);
  });

  it('that is signed twice over is refused', async () => {
    const { alg, kid, privateKey } = issuer.key('RS256');
    const inner = new TextEncoder().encode(await issuer.sign());
    const text = await new CompactSign(inner).setProtectedHeader({ alg, kid, cty: 'JWT' }).sign(privateKey);
    expect(await refused(text)).toMatch(/cannot be decoded/);
  });

  it('that is too long is refused before it is read', async () => {
    const asked = { ...issuer.fetches };
    expect(await refused(await issuer.sign({ groups: 'g'.repeat(16_384) }))).toMatch(/longer than 16384/);
    expect(issuer.fetches).toEqual(asked);
  });

  it('that is garbage is refused', async () => {
    const token = await issuer.sign();
    const array = `${encoded([1])}.${encoded({ iss: issuer.url })}.AAAA`;
    const nothing = `${encoded({ alg: 'RS256' })}.${encoded(null)}.AAAA`;
    const texts = [
      '',
      '.',
      '..',
      'a.b.c',
      'a.b.c.d',
      ` ${token}`,
      `${token}\n`,
      `${token}=`,
      `Bearer ${token}`,
    ];
    for (const text of [...texts, token.replace('.', '..'), array, nothing, '\u0000'.repeat(9), '💥.💥.💥']) {
      await refused(text);
    }
  });
});
