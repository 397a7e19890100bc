import { randomBytes } from 'node:crypto';
import type { VariableReader } from './variables.ts';

export interface AdminKey {
  readonly adminKey: string;
  /** Made just now, so whoever starts the gateway has to be told it. */
  readonly adminKeyGenerated: boolean;
}

/**
 * The root administrator's key. One that is set but empty is a mistake everywhere, never "no key needed"
 * (CVE-2026-41432) and never quietly another one.
 */
export function readAdminKey(read: VariableReader, production: boolean): AdminKey {
  if (!read.isSet('ADMIN_KEY')) {
    if (production) read.expected('ADMIN_KEY', `to be set with NODE_ENV=production: ${expectation}`);
    return { adminKey: randomBytes(32).toString('base64url'), adminKeyGenerated: true };
  }
  const adminKey = read.text('ADMIN_KEY') ?? '';
  // Visible ASCII, because it has to travel in an Authorization header.
  if (!/^[\x21-\x7e]{32,}$/.test(adminKey)) read.expected('ADMIN_KEY', expectation);
  return { adminKey, adminKeyGenerated: false };
}

const expectation = 'at least 32 characters, visible ASCII without spaces';
