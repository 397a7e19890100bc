import type { Credential, Identity, Team, Token, User } from '../../../src/identity/records/identity.ts';
import type { Session } from '../../../src/identity/records/session.ts';

const created_at = '2026-01-01T00:00:00.000Z';

/** An identity without restrictions, but for what is given. */
export function identityOf(
  given: {
    team?: Partial<Team>;
    user?: Partial<User>;
    token?: Partial<Token>;
    session?: Session;
    epoch?: string;
  } = {},
): Identity {
  return {
    team: { id: 'acme', name: null, limits: [], models: null, created_at, ...given.team },
    user: { id: 'ana', team: 'acme', name: null, email: null, limits: [], created_at, ...given.user },
    token: {
      id: 'tok_1',
      team: 'acme',
      user: 'ana',
      name: null,
      prefix: 'tgk_12345678',
      models: null,
      endpoints: null,
      origins: null,
      tools: null,
      limits: [],
      expires_at: null,
      revoked_at: null,
      created_at,
      ...given.token,
    },
    session: given.session ?? null,
    gateway: [],
    epoch: given.epoch ?? 'epoch-1',
  };
}

/** A session without restrictions, but for what is given. */
export function sessionOf(given: Partial<Session> = {}): Session {
  return {
    id: 'ses_1',
    models: null,
    endpoints: null,
    origins: null,
    tools: null,
    limits: [],
    pinned: null,
    end_user: null,
    expires_at: '2026-03-01T00:00:00.000Z',
    created_at,
    ...given,
  };
}

/** The credential of a user's token. */
export function credentialFor(secretHash: string): Credential {
  return { secretHash, session: null };
}
