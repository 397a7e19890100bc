import { createCipheriv, createDecipheriv, hash, hkdfSync, randomBytes } from 'node:crypto';

/*
 * Only the code of a claim link opens its sealed token. The store keeps the code's hash and the ciphertext, and neither
 * leads to the other. AES-256-GCM under a key that HKDF (RFC 5869) derives from the code.
 */
const algorithm = 'aes-256-gcm';
const codeBytes = 20;
const keyBytes = 32;
const ivBytes = 12;
const tagBytes = 16;
const purpose = 'tollgate claim link';

const wellFormed = new RegExp(`^[0-9a-f]{${2 * codeBytes}}$`);

/** A new code: 160 random bits in letters and digits, so that mail programs keep the link whole. */
export function newCode(): string {
  return randomBytes(codeBytes).toString('hex');
}

export function isCode(text: string): boolean {
  return wellFormed.test(text);
}

/** The hash by which the store knows a code. */
export function hashOf(code: string): string {
  return hash('sha256', code, 'base64url');
}

/** Seals a text so that only the code opens it; base64url. */
export function seal(code: string, text: string): string {
  const iv = randomBytes(ivBytes);
  const cipher = createCipheriv(algorithm, keyOf(code), iv);
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64url');
}

/** Opens it again. Throws if it was sealed with another code, or was changed. */
export function unseal(code: string, sealed: string): string {
  const bytes = Buffer.from(sealed, 'base64url');
  const decipher = createDecipheriv(algorithm, keyOf(code), bytes.subarray(0, ivBytes), {
    authTagLength: tagBytes,
  });
  decipher.setAuthTag(bytes.subarray(ivBytes, ivBytes + tagBytes));
  const text = [decipher.update(bytes.subarray(ivBytes + tagBytes)), decipher.final()];
  return Buffer.concat(text).toString('utf8');
}

function keyOf(code: string): Buffer {
  return Buffer.from(hkdfSync('sha256', code, '', purpose, keyBytes));
}
