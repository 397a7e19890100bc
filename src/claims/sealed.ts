import { hash, randomBytes } from 'node:crypto';
import * as sealed from '../base/sealed.ts';

/*
 * Only the code of a claim link opens its sealed token. The store keeps the code's hash and the ciphertext, and neither
 * leads to the other.
 */
const codeBytes = 20;
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
  return sealed.seal({ secret: code, purpose }, text);
}

/** Opens it again. Throws if it was sealed with another code, or was changed. */
export function unseal(code: string, text: string): string {
  return sealed.unseal({ secret: code, purpose }, text);
}
