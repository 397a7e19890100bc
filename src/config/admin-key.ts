import { randomBytes } from 'node:crypto';
import type { VariableReader } from './variables.ts';

/**
 * The root administrator's key. A key that is set but empty is always a mistake: it never means "no key needed"
 * (CVE-2026-41432), and it is never silently replaced.
 */
export function readAdminKey(read: VariableReader, production: boolean) {
  if (!read.isSet('ADMIN_KEY')) {
    if (production) read.expected('ADMIN_KEY', `to be set with NODE_ENV=production: ${expectation}`);
    // It must be printed at start.
    return { adminKey: randomBytes(32).toString('base64url'), adminKeyGenerated: true };
  }
  const adminKey = read.text('ADMIN_KEY') ?? '';
  // Visible ASCII, because it is sent in an Authorization header.
  if (!/^[\x21-\x7e]{32,}$/.test(adminKey)) read.expected('ADMIN_KEY', expectation);
  return { adminKey, adminKeyGenerated: false };
}

const expectation = 'at least 32 characters, visible ASCII without spaces';
