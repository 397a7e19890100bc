import { hash, timingSafeEqual } from 'node:crypto';
import type { Actor } from '../base/actor.ts';
import type { Sender } from '../base/client-address.ts';
import type { AdministratorStore } from '../identity/store/administrator-store.ts';
import { Refusal } from '../base/refusal.ts';
import type { Authenticator } from './authenticator.ts';
import { mistyped, readSecret, type CredentialHeaders } from './credential.ts';
import type { AuthThrottle } from './auth-throttle.ts';
import { credentialOf, hashToken, inspectToken } from '../identity/records/token-text.ts';

/** Who administers, by the credential in the headers; else why nobody does. Rejects with `StoreUnavailable`. */
export type ActorCheck = (headers: CredentialHeaders, peer?: string) => Promise<Actor | Refusal>;

interface ActorCheckOptions {
  adminKey: string;
  /** The key before, which is still taken; null if there is none. */
  previousAdminKey?: string | null;
  /** Called when somebody uses it. */
  onPreviousKey?: (sender: Sender) => void;
  administrators: AdministratorStore;
  /** Tells a user's token, which has the wrong role, from one nobody has. */
  authenticator: Authenticator;
  /** Limits refused credentials by client address; null: no limit. */
  throttle?: AuthThrottle | null;
}

/**
 * Checks `Authorization: Bearer <ADMIN_KEY>`, or ADMIN_KEY_PREVIOUS, in constant time: hashes are compared, so
 * neither content
 * nor length shows. An administrator's token is looked up by its hash, every time. A user's token gets a 403: right
 * credential, wrong role. On a dyno, an address that has tried too many credentials gets only 429s until the minute is over.
 */
export function actorCheck(options: ActorCheckOptions): ActorCheck {
  const { administrators, authenticator, throttle = null, previousAdminKey = null, onPreviousKey } = options;
  const current = digest(options.adminKey);
  const previous = previousAdminKey === null ? null : digest(previousAdminKey);

  return async function checkActor(headers, peer) {
    const sender = { forwardedFor: headers['x-forwarded-for'], peer };
    if (throttle?.isOver(sender)) return throttle.tooMany();
    const actor = await (throttle?.guard<Actor>(sender, () => check(headers)) ?? check(headers));
    if (!(actor instanceof Refusal) && actor.kind === 'root' && actor.key === 'previous')
      onPreviousKey?.(sender);
    return actor;
  };

  async function check(headers: CredentialHeaders): Promise<Actor | Refusal> {
    const text = readSecret(headers);
    if (text instanceof Refusal) return text.code === 'missing_token' ? missing() : text;
    const given = digest(text);
    if (timingSafeEqual(given, current)) return { kind: 'root', key: 'current' };
    if (previous !== null && timingSafeEqual(given, previous)) return { kind: 'root', key: 'previous' };
    const inspected = inspectToken(text);
    if (!inspected.ok) return unusable(text);
    return inspected.kind === 'admin' ? administratorBehind(text) : wrongKind(text);
  }

  async function administratorBehind(text: string): Promise<Actor | Refusal> {
    const { administrator, nowMs } = await administrators.resolve(hashToken(text));
    if (administrator === null) return unknown();
    const { id, role, teams, expires_at: expiresAt } = administrator;
    if (expiresAt !== null && nowMs >= Date.parse(expiresAt)) return expired(expiresAt);
    return { kind: 'administrator', id, role, teams };
  }

  async function wrongKind(text: string): Promise<Refusal> {
    const known = await authenticator.refresh(credentialOf(text));
    if (known instanceof Refusal) return known;
    const message =
      'A user token cannot administer: use the administrator key or a token that begins with tga_.';
    return new Refusal('role_not_allowed', message);
  }
}

function digest(text: string): Buffer {
  return hash('sha256', text, 'buffer');
}

function missing(): Refusal {
  const message =
    'Send the administrator key, or an administrator\'s token, as "Authorization: Bearer <ADMIN_KEY>".';
  return new Refusal('missing_token', message);
}

function unusable(text: string): Refusal {
  if (/^tg[ksa]_/.test(text)) return mistyped(text);
  return new Refusal('invalid_token', 'This is not the administrator key (ADMIN_KEY) of this gateway.');
}

function unknown(): Refusal {
  const message = "This administrator's token is not known here, or was revoked. Ask root for a new one.";
  return new Refusal('invalid_token', message);
}

function expired(at: string): Refusal {
  return new Refusal('expired_token', `This administrator's token expired at ${at}. Ask root for a new one.`);
}
