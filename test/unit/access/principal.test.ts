import { describe, expect, it } from 'vitest';
import { makePrincipal } from '../../../src/access/principal.ts';
import { credentialFor, identityOf } from './identities.ts';

const minute = { metric: 'requests', window: 'minute', max: 1 } as const;
const hour = { metric: 'tokens', window: 'hour', max: 1 } as const;
const day = { metric: 'requests', window: 'day', max: 1 } as const;
const month = { metric: 'images', window: 'month', max: 1 } as const;
const concurrency = { metric: 'concurrency', max: 1 } as const;

describe('makePrincipal', () => {
  it('puts the longest window first, and within a window team, user, token', () => {
    const identity = identityOf({
      team: {
        limits: [
          { id: 't1', ...concurrency },
          { id: 't2', ...minute },
          { id: 't3', ...day },
        ],
      },
      user: {
        limits: [
          { id: 'u1', ...hour },
          { id: 'u2', ...day },
          { id: 'u3', ...month },
        ],
      },
      token: {
        limits: [
          { id: 'k1', ...day },
          { id: 'k2', ...concurrency },
          { id: 'k3', ...minute },
        ],
      },
    });
    const order = makePrincipal(identity, credentialFor('hash')).limits.map(
      ({ scope, limit }) => `${scope} ${limit.id}`,
    );
    expect(order).toEqual([
      'user u3',
      'team t3',
      'user u2',
      'token k1',
      'user u1',
      'team t2',
      'token k3',
      'team t1',
      'token k2',
    ]);
  });

  it('keeps identity and hash', () => {
    const identity = identityOf();
    expect(makePrincipal(identity, credentialFor('hash'))).toMatchObject({
      identity,
      credential: credentialFor('hash'),
      limits: [],
    });
  });

  it('knows when the token expires, if it does', () => {
    expect(makePrincipal(identityOf(), credentialFor('hash')).expiresAtMs).toBe(Infinity);
    const identity = identityOf({ token: { expires_at: '2026-03-01T00:00:00.000Z' } });
    expect(makePrincipal(identity, credentialFor('hash')).expiresAtMs).toBe(Date.UTC(2026, 2, 1));
  });
});
