import { hash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { Credential } from './identity.ts';

/*
 * The text of a token (contract 1.3): `tgk_` + 38 random characters + 6 of checksum, all base62. A session's begins
 * with its id (12) and its expiry (6, seconds since the epoch): the store finds it by the one, and the other tells
 * a session that has expired from one that never was, also when its record is gone.
 * The checksum is a CRC-32 over everything before it: every changed or swapped character is found here,
 * so a mistyped token costs the store nothing. It is no defence: the 226 random bits are.
 */
const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const randomLength = 38;
const idLength = 12;
const expiryLength = 6;
const checksumLength = 6;
const maxLength = 128;
/** How much of a text is kept, so that a person can tell tokens apart. */
export const displayLength = 12;
const wellFormed = /^tg[ksa]_[0-9A-Za-z]{40,}$/;

const prefixes = { user: 'tgk_', session: 'tgs_', admin: 'tga_' } as const;
type TokenKind = keyof typeof prefixes;
const kindsByPrefix = new Map<string, TokenKind>([
  [prefixes.user, 'user'],
  [prefixes.session, 'session'],
  [prefixes.admin, 'admin'],
]);

export interface MintedToken {
  /** The secret itself: shown once, stored nowhere. */
  text: string;
  /** What the store knows the token by. */
  secretHash: string;
  /** Its first characters, stored so that a person can tell tokens apart. */
  prefix: string;
}

/** Makes a new token of a kind; a session's has its own way, below. */
export function mintToken(kind: Exclude<TokenKind, 'session'>): MintedToken {
  return minted(prefixes[kind] + randomBase62(randomLength));
}

function minted(unsigned: string): MintedToken {
  const text = unsigned + checksum(unsigned);
  return { text, secretHash: hashToken(text), prefix: text.slice(0, displayLength) };
}

/** Makes a session's token and its id. It expires at a whole second, `expiresAtMs` or just before. */
export function mintSessionToken(expiresAtMs: number): MintedToken & { id: string } {
  const id = randomBase62(idLength);
  const unsigned = `${prefixes.session}${id}${base62(Math.floor(expiresAtMs / 1000), expiryLength)}${randomBase62(randomLength)}`;
  return { ...minted(unsigned), id: sessionId(id) };
}

/** What a well-formed text says of itself: `inspectToken` first. */
export function credentialOf(text: string): Credential {
  const secretHash = hashToken(text);
  if (!text.startsWith(prefixes.session)) return { secretHash, session: null };
  const at = prefixes.session.length;
  const id = sessionId(text.slice(at, at + idLength));
  const expiresAtMs = 1000 * numberFrom(text.slice(at + idLength, at + idLength + expiryLength));
  return { secretHash, session: { id, expiresAtMs } };
}

function sessionId(random: string): string {
  return `ses_${random}`;
}

/** Tells whether a text is a token that was typed right, without asking the store. */
export function inspectToken(text: string): { ok: true; kind: TokenKind } | { ok: false } {
  if (text.length > maxLength || !wellFormed.test(text)) return { ok: false };
  const kind = kindsByPrefix.get(text.slice(0, 4));
  const unsigned = text.slice(0, -checksumLength);
  if (kind === undefined || text.slice(-checksumLength) !== checksum(unsigned)) return { ok: false };
  return { ok: true, kind };
}

/** What the store knows a token by. A token is random enough that SHA-256 needs neither salt nor rounds. */
export function hashToken(text: string): string {
  return hash('sha256', text, 'base64url');
}

/** A random name of letters and digits for limits and records; never the same twice. */
export function newId(): string {
  return randomBase62(idLength);
}

/** Unbiased random characters: bytes past the last whole multiple of 62 are thrown away. */
export function randomBase62(length: number): string {
  const bound = 256 - (256 % alphabet.length);
  let text = '';
  while (text.length < length) {
    for (const byte of randomBytes(length - text.length)) {
      if (byte < bound) text += alphabet.charAt(byte % alphabet.length);
    }
  }
  return text;
}

function checksum(text: string): string {
  return base62(crc32(text), checksumLength);
}

function base62(value: number, length: number): string {
  let rest = value;
  let digits = '';
  for (let i = 0; i < length; i += 1) {
    digits = alphabet.charAt(rest % alphabet.length) + digits;
    rest = Math.floor(rest / alphabet.length);
  }
  return digits;
}

function numberFrom(digits: string): number {
  let value = 0;
  for (const digit of digits) value = value * alphabet.length + alphabet.indexOf(digit);
  return value;
}
