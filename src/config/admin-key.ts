import { randomBytes } from 'node:crypto';
import { isGuessable } from './key-strength.ts';
import type { Variable, VariableReader } from './variables.ts';

/**
 * The root administrator's key, and the one before it, which is taken too while it is set. A key that is set but empty is
 * always a mistake: it never means "no key needed" (CVE-2026-41432), and it is never silently replaced.
 */
export function readAdminKeys(read: VariableReader, production: boolean) {
  const isSet = read.isSet('ADMIN_KEY');
  if (!isSet && production) read.expected('ADMIN_KEY', `to be set with NODE_ENV=production: ${expectation}`);
  // A key that is made must be printed at start.
  const adminKey = isSet ? readKey(read, 'ADMIN_KEY') : randomBytes(32).toString('base64url');
  return { adminKey, adminKeyGenerated: !isSet, previousAdminKey: readPrevious(read, adminKey) };
}

/** Null if there is none. */
function readPrevious(read: VariableReader, adminKey: string): string | null {
  if (read.text('ADMIN_KEY_PREVIOUS') === undefined) return null;
  const previous = readKey(read, 'ADMIN_KEY_PREVIOUS');
  if (!read.isSet('ADMIN_KEY')) read.expected('ADMIN_KEY_PREVIOUS', 'ADMIN_KEY to be set beside it');
  if (previous === adminKey) {
    read.expected('ADMIN_KEY_PREVIOUS', 'another key than ADMIN_KEY; unset it when nobody needs it any more');
  }
  return previous;
}

function readKey(read: VariableReader, name: Variable): string {
  const key = read.text(name) ?? '';
  // Visible ASCII, because it is sent in an Authorization header.
  if (!/^[\x21-\x7e]{32,}$/.test(key)) read.expected(name, expectation);
  else if (isGuessable(key)) read.expected(name, `a key that nobody can guess: ${remedy}`);
  return key;
}

const expectation = 'at least 32 characters, visible ASCII without spaces';
const remedy =
  'it repeats itself, follows a pattern, or is a placeholder. Set it to what "openssl rand -base64 32" prints';
