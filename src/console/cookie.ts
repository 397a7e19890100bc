import { hash, randomBytes } from 'node:crypto';

/*
 * The cookie of a session of the console. `__Host-`: no other host can set it, and it is for every path of this host
 * alone (RFC 6265bis, 4.1.3.2). Script cannot read it, and no other site's request carries it.
 */
const name = '__Host-tollgate';
const attributes = 'Path=/; Secure; HttpOnly; SameSite=Strict';

const secretBytes = 32;
const wellFormed = /^[A-Za-z0-9_-]{43}$/;

export interface SessionSecret {
  text: string;
  /** What the store knows the session by. */
  hash: string;
}

/** A new secret: 256 random bits. */
export function newSecret(): SessionSecret {
  return secretOf(randomBytes(secretBytes).toString('base64url'));
}

function secretOf(text: string): SessionSecret {
  return { text, hash: hash('sha256', text, 'base64url') };
}

/** The secret in a `Cookie` header; null if there is none. */
export function secretIn(cookies: string | undefined): SessionSecret | null {
  const value = cookieNamed(name, cookies);
  return value !== null && wellFormed.test(value) ? secretOf(value) : null;
}

/**
 * The value of a cookie in a `Cookie` header; null if it is not there. Only a space and a tab count as blanks: browsers let
 * a sibling host set a cookie that has a no-break space before `__Host-`. No browser has two cookies of such a name, so
 * of two neither counts.
 */
export function cookieNamed(wanted: string, cookies: string | undefined): string | null {
  let found: string | null = null;
  for (const pair of cookies?.split(';') ?? []) {
    const [key, value] = pair.replace(/^[ \t]+/, '').split('=', 2);
    if (key !== wanted || value === undefined) continue;
    if (found !== null) return null;
    found = value;
  }
  return found;
}

/** The `Set-Cookie` that keeps a secret for so long. */
export function cookieOf({ text }: SessionSecret, livesMs: number): string {
  return `${name}=${text}; Max-Age=${Math.max(0, Math.floor(livesMs / 1000))}; ${attributes}`;
}

/** The `Set-Cookie` that forgets it. */
export const noCookie = `${name}=; Max-Age=0; ${attributes}`;
