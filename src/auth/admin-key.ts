import { hash, timingSafeEqual } from 'node:crypto';
import { Refusal } from '../core/refusal.ts';
import type { Authenticator } from './authenticator.ts';
import { readSecret, type CredentialHeaders } from './credential.ts';
import { forwardedAddress, type RefusedCredentials } from './refused-credentials.ts';
import { credentialOf, inspectToken } from './token-text.ts';

/** Null where the headers carry the administrator's key; else why not. Rejects with `StoreUnavailable`. */
export type AdminKeyCheck = (headers: CredentialHeaders) => Promise<Refusal | null>;

/**
 * Checks `Authorization: Bearer <ADMIN_KEY>` in constant time: hashes are compared, so neither content
 * nor length shows. A user's token is told apart by 403: right credential, wrong role. An address that has tried
 * too many keys (`refused`, where a router tells addresses) is not listened to until the minute is over.
 */
export function adminKeyCheck(
  adminKey: string,
  authenticator: Authenticator,
  refused: RefusedCredentials | null = null,
): AdminKeyCheck {
  const expected = digest(adminKey);

  return async function checkAdminKey(headers) {
    const address = refused && forwardedAddress(headers['x-forwarded-for']);
    if (!refused || address === null) return check(headers);
    if (refused.isOver(address)) return refused.tooMany();
    return refused.guard<null>(address, () => check(headers));
  };

  async function check(headers: CredentialHeaders): Promise<Refusal | null> {
    const text = readSecret(headers);
    if (text instanceof Refusal) return text.code === 'missing_token' ? missing() : text;
    if (timingSafeEqual(digest(text), expected)) return null;
    if (!inspectToken(text).ok) {
      return new Refusal('invalid_token', 'This is not the administrator key (ADMIN_KEY) of this gateway.');
    }
    const known = await authenticator.refresh(credentialOf(text));
    if (known instanceof Refusal) return known;
    return new Refusal('role_not_allowed', 'A user token cannot administer: use the administrator key.');
  }
}

function digest(text: string): Buffer {
  return hash('sha256', text, 'buffer');
}

function missing(): Refusal {
  return new Refusal('missing_token', 'Send the administrator key as "Authorization: Bearer <ADMIN_KEY>".');
}
