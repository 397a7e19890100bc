import { generateKeyPairSync } from 'node:crypto';
import { exportJWK, generateKeyPair } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { ProofKeys } from '../../../../src/access/proof/proof-keys.ts';
import { type ProvableRequest, readProof } from '../../../../src/access/proof/read-proof.ts';
import { makePageKey, type PageKey, type ProofOf } from '../../../support/page-key.ts';

const url = 'https://gateway.example/v1/chat/completions';
const options = { keys: new ProofKeys(), publicUrls: [], onDyno: true, jkt: null };

let key: PageKey;
let other: PageKey;
beforeAll(async () => {
  key = await makePageKey();
  other = await makePageKey();
});

const requestWith = (dpop: string | undefined, more: Partial<ProvableRequest> = {}): ProvableRequest => ({
  method: 'POST',
  url: '/v1/chat/completions?beta=true',
  headers: { host: 'gateway.example', dpop },
  ...more,
});

const proof = (of: Partial<ProofOf> = {}): Promise<string> => key.proof({ method: 'POST', url, ...of });

describe('a proof', () => {
  it.each(['ES256', 'Ed25519', 'EdDSA', 'RS256', 'PS256'])('is read: %s', async (alg) => {
    const own = await makePageKey(alg);
    const { jkt } = own;
    const text = await own.proof({ method: 'POST', url, token: 'tgs_1', nonce: 'n', claims: { jti: 'one' } });
    for (const asked of [jkt, jkt, null]) {
      expect(await readProof(requestWith(text), { ...options, jkt: asked })).toMatchObject({
        jkt,
        jti: 'one',
        nonce: 'n',
        ath: expect.stringMatching(/^[\w-]{43}$/) as unknown,
      });
    }
  });

  it('is for its method, at any spelling of its address', async () => {
    const text = await proof({ method: 'GET', url: 'HTTPS://Gateway.Example:443/v1/./chat/completions#top' });
    expect(await readProof(requestWith(text, { method: 'GET' }), options)).toMatchObject({ jkt: key.jkt });
  });

  it('may be by any key if none is asked for, and then leaves none behind', async () => {
    const keys = new ProofKeys();
    expect(await readProof(requestWith(await proof()), { ...options, keys })).toMatchObject({ jkt: key.jkt });
    const unkept = await readProof(requestWith(await proof()), { ...options, keys, jkt: other.jkt });
    expect(unkept).toMatchObject({ message: expect.stringContaining('by another key') as unknown });
  });
});

const unsigned = (header: object, payload: object | string = {}): string =>
  [
    Buffer.from(JSON.stringify(header)).toString('base64url'),
    Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload)).toString('base64url'),
    'A'.repeat(86),
  ].join('.');

const header = () => ({ typ: 'dpop+jwt', alg: 'ES256', jwk: key.jwk });

const malformed: [what: string, text: () => Promise<string> | string | undefined, says: RegExp][] = [
  ['absent', () => undefined, /there is none/],
  ['empty', () => '', /no compact JWS/],
  ['two', async () => `${await proof()}, ${await proof()}`, /there are several/],
  ['too long', () => proof({ claims: { more: 'x'.repeat(4_000) } }), /longer than 4096/],
  ['no JWS', () => 'Bearer me', /no compact JWS/],
  ['two parts', () => 'e30.e30', /no compact JWS/],
  ['not base64url', () => '!!.!!.!!', /no compact JWS/],
  [
    'a header that is no object',
    () => `${Buffer.from('[1]').toString('base64url')}.e30.AA`,
    /no compact JWS|its typ/,
  ],
  ['no typ', () => proof({ header: { typ: undefined } }), /its typ/],
  ['another typ', () => proof({ header: { typ: 'JWT' } }), /its typ/],
  ['alg none', () => unsigned({ ...header(), alg: 'none' }), /its alg must be/],
  [
    'a shared secret',
    () => unsigned({ ...header(), alg: 'HS256', jwk: { kty: 'oct', k: 'AA' } }),
    /its alg must be/,
  ],
  ['an algorithm that is too dear', () => unsigned({ ...header(), alg: 'ES512' }), /its alg must be/],
  ['no alg', () => unsigned({ typ: 'dpop+jwt', jwk: key.jwk }), /no compact JWS/],
  ['crit', () => unsigned({ ...header(), crit: ['b64'], b64: true }), /crit/],
  ['crit of its own', () => unsigned({ ...header(), crit: ['x'], x: 1 }), /crit/],
  ['no jwk', () => proof({ header: { jwk: undefined } }), /no jwk/],
  ['a jwk that is a text', () => unsigned({ ...header(), jwk: 'key' }), /no jwk/],
  [
    'a private jwk',
    async () => proof({ header: { jwk: await exportJWK(key.privateKey) } }),
    /private or a shared key/,
  ],
  [
    'a jwk with an odd secret',
    () => unsigned({ ...header(), jwk: { ...key.jwk, k: null } }),
    /private or a shared/,
  ],
  ['a jwk of another kind', () => unsigned({ ...header(), alg: 'RS256' }), /no key for RS256/],
  [
    'a jwk of another curve',
    () => unsigned({ ...header(), jwk: { ...key.jwk, crv: 'P-384' } }),
    /no key for ES256/,
  ],
  ['a jwk without y', () => unsigned({ ...header(), jwk: { ...key.jwk, y: undefined } }), /the y of its jwk/],
  ['a jwk with a cut x', () => unsigned({ ...header(), jwk: { ...key.jwk, x: 'AA' } }), /the x of its jwk/],
  [
    'a point that is not on the curve',
    () => unsigned({ ...header(), jwk: { ...key.jwk, y: key.jwk.x } }),
    /no public key/,
  ],
  [
    'a small RSA key',
    () => {
      const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 1_024 });
      return unsigned({ typ: 'dpop+jwt', alg: 'RS256', jwk: publicKey.export({ format: 'jwk' }) });
    },
    /the n of its jwk/,
  ],
  ['signed by another key', () => proof({ signer: other.privateKey }), /signature is wrong/],
  [
    'a changed payload',
    async () => swapped(await proof(), await proof({ claims: { jti: 'x' } })),
    /signature is wrong/,
  ],
  ['a payload that is no object', async () => signedPayload('[]'), /no JSON object/],
  ['a payload that is no JSON', async () => signedPayload('tgs_'), /no JSON object/],
  ['no jti', () => proof({ claims: { jti: undefined } }), /its jti/],
  ['an empty jti', () => proof({ claims: { jti: '' } }), /its jti/],
  ['a jti that is a number', () => proof({ claims: { jti: 7 } }), /its jti/],
  ['a long jti', () => proof({ claims: { jti: 'j'.repeat(257) } }), /its jti/],
  ['no htm', () => proof({ claims: { htm: undefined } }), /its htm must be POST/],
  ['another htm', () => proof({ method: 'GET' }), /its htm must be POST/],
  ['htm in lower case', () => proof({ method: 'post' }), /its htm must be POST/],
  [
    'no htu',
    () => proof({ claims: { htu: undefined } }),
    /its htu must be.*https:\/\/gateway\.example\/v1\/chat/,
  ],
  ['htu of another host', () => proof({ url: url.replace('gateway', 'evil') }), /its htu/],
  ['htu of another path', () => proof({ url: url.replace('chat', 'Chat') }), /its htu/],
  ['htu of another scheme', () => proof({ url: url.replace('https', 'http') }), /its htu/],
  ['htu of another port', () => proof({ url: url.replace('example/', 'example:8443/') }), /its htu/],
];

/** The payload of one, with the signature of the other. */
function swapped(one: string, signed: string): string {
  const [head = '', payload = ''] = one.split('.');
  return [head, payload, signed.split('.')[2]].join('.');
}

async function signedPayload(payload: string): Promise<string> {
  const { CompactSign } = await import('jose');
  return new CompactSign(Buffer.from(payload)).setProtectedHeader(header()).sign(key.privateKey);
}

describe('a proof is refused, and what is wrong is said', () => {
  it.each(malformed)('%s', async (_what, text, says) => {
    const read = await readProof(requestWith(await text()), options);
    expect(read).toMatchObject({
      error: 'invalid_dpop_proof',
      message: expect.stringMatching(says) as unknown,
    });
  });

  it('if it is by another key than the one asked for, however it calls itself', async () => {
    const jwk = { ...(await exportJWK((await generateKeyPair('ES256')).publicKey)), kid: key.jkt };
    for (const text of [await other.proof({ method: 'POST', url }), await proof({ header: { jwk } })]) {
      const read = await readProof(requestWith(text), { ...options, jkt: key.jkt });
      expect(read).toMatchObject({ message: expect.stringContaining('by another key') as unknown });
    }
  });
});
