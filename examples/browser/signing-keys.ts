import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose';

export type SigningAlgorithm = 'RS256' | 'ES256';

export interface SigningKey {
  readonly alg: SigningAlgorithm;
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
  /** The public part. */
  readonly jwk: JWK;
}

let lastKey = 0;

/** A key pair with a name of its own, or with the one given. */
export async function makeKey(alg: SigningAlgorithm, kid = `key-${(lastKey += 1)}`): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' };
  return { alg, kid, privateKey, publicKey, jwk };
}

/** A signed token. `header` adds to or replaces `alg`, `kid` and `typ`; undefined leaves one out. */
export async function signToken(
  payload: JWTPayload,
  { alg, kid, privateKey }: SigningKey,
  header: Record<string, unknown> = {},
): Promise<string> {
  const signer = new SignJWT(payload);
  return await signer
    .setProtectedHeader({ alg, ...withoutUndefined({ kid, typ: 'JWT', ...header }) })
    .sign(privateKey);
}

/** The members that have a value. */
export function withoutUndefined(object: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}
