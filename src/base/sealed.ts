import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

/* AES-256-GCM under a key that HKDF (RFC 5869) derives from a random secret. */
const algorithm = 'aes-256-gcm';
const keyBytes = 32;
const ivBytes = 12;
const tagBytes = 16;

/** Random, with 128 bits or more: whoever has the sealed text may guess as often as they like. */
interface SealingSecret {
  secret: string;
  /** What is sealed for one purpose does not open for another. */
  purpose: string;
}

/** Seals a text so that only the secret opens it; base64url. */
export function seal(of: SealingSecret, text: string): string {
  return sealBytes(of, Buffer.from(text));
}

/** Opens it again. Throws if it was sealed with another secret, or was changed. */
export function unseal(of: SealingSecret, sealed: string): string {
  return unsealBytes(of, sealed).toString('utf8');
}

/** The same for bytes. */
export function sealBytes(of: SealingSecret, bytes: Buffer): string {
  const iv = randomBytes(ivBytes);
  const cipher = createCipheriv(algorithm, keyOf(of), iv);
  const sealed = Buffer.concat([cipher.update(bytes), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64url');
}

/** Opens them again. Throws as `unseal` does. */
export function unsealBytes(of: SealingSecret, sealed: string): Buffer {
  const bytes = Buffer.from(sealed, 'base64url');
  const decipher = createDecipheriv(algorithm, keyOf(of), bytes.subarray(0, ivBytes), {
    authTagLength: tagBytes,
  });
  decipher.setAuthTag(bytes.subarray(ivBytes, ivBytes + tagBytes));
  return Buffer.concat([decipher.update(bytes.subarray(ivBytes + tagBytes)), decipher.final()]);
}

function keyOf({ secret, purpose }: SealingSecret): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', purpose, keyBytes));
}
