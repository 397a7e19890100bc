import { hash, randomUUID } from 'node:crypto';
import { calculateJwkThumbprint, type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';

/** What a proof is for, and what it says otherwise than it should; undefined leaves a claim out. */
export interface ProofOf {
  method: string;
  url: string;
  /** The session; absent at `POST /oauth/token`. */
  token?: string;
  nonce?: string | null;
  claims?: Readonly<Record<string, unknown>>;
  header?: Readonly<Record<string, unknown>>;
  /** Signs in its place. */
  signer?: CryptoKey;
}

/** A key of a page, as WebCrypto makes one, and the proofs it signs (RFC 9449). */
export interface PageKey {
  alg: string;
  jkt: string;
  jwk: JWK;
  privateKey: CryptoKey;
  proof(of: ProofOf): Promise<string>;
}

export async function makePageKey(alg = 'ES256'): Promise<PageKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = await exportJWK(publicKey);
  const proof: PageKey['proof'] = ({
    method,
    url,
    token,
    nonce,
    claims = {},
    header = {},
    signer = privateKey,
  }) => {
    const ath = token === undefined ? undefined : hash('sha256', token, 'base64url');
    const iat = Math.floor(Date.now() / 1_000);
    const said = { jti: randomUUID(), htm: method, htu: url, iat, ath, nonce: nonce ?? undefined, ...claims };
    return new SignJWT(withoutUndefined(said))
      .setProtectedHeader(withoutUndefined({ typ: 'dpop+jwt', alg, jwk, ...header }) as { alg: string })
      .sign(signer);
  };
  return { alg, jkt: await calculateJwkThumbprint(jwk), jwk, privateKey, proof };
}

function withoutUndefined(object: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}
