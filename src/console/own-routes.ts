import type { Authenticated, Authenticator } from '../access/authenticator.ts';
import type { ActorCheck } from '../access/actor-check.ts';
import { Refusal } from '../base/refusal.ts';
import type { ConsoleSessions } from './console-sessions.ts';

/** Where the pages find the routes of `/admin` and `/v1`, once more, behind the session's cookie. */
export const apiPrefix = '/console/api';

/** Who administers, by the session of a request. */
export function sessionActor(sessions: ConsoleSessions): ActorCheck {
  return async (headers, peer) => {
    const visitor = await sessions.visitor(headers, { forwardedFor: headers['x-forwarded-for'], peer });
    if (visitor instanceof Refusal) return visitor;
    return visitor.who.kind === 'administrator' ? visitor.who.actor : forAdministrators();
  };
}

/** Whose token it is, by the session of a request. */
export function sessionCaller(
  sessions: ConsoleSessions,
  authenticator: Authenticator,
): Pick<Authenticator, 'authenticate' | 'refresh'> {
  return {
    async authenticate(headers, { remoteAddress: peer }): Promise<Authenticated | Refusal> {
      const visitor = await sessions.visitor(headers, { forwardedFor: headers['x-forwarded-for'], peer });
      if (visitor instanceof Refusal) return visitor;
      return visitor.who.kind === 'token' ? visitor.who.caller : forHolders();
    },
    refresh: (credential) => authenticator.refresh(credential),
  };
}

function forAdministrators(): Refusal {
  const message = 'You are signed in with a token. This is for administrators.';
  return new Refusal('role_not_allowed', message);
}

function forHolders(): Refusal {
  const message = 'You are signed in as an administrator. This is for the holder of a token.';
  return new Refusal('role_not_allowed', message);
}
