import { describe, expect, it } from 'vitest';
import { makePrincipal } from '../../../src/access/principal.ts';
import type { Limit, StoredLimit } from '../../../src/base/limit.ts';
import { sessionLimitId, sharedLimitId } from '../../../src/identity/records/session.ts';
import { credentialFor, identityOf, sessionOf } from './identities.ts';

const stored = (limit: Limit): StoredLimit => ({ ...limit, id: `id-${limit.max}` });
const requests = (max: number, window: 'minute' | 'hour' | 'day' | 'month'): Limit => ({
  metric: 'requests',
  window,
  max,
});

describe('how many attempts a token has in a minute', () => {
  it.each<[string, Limit[], number]>([
    ['no limit on requests', [{ metric: 'tokens', window: 'day', max: 5 }], 600],
    ['few requests a minute', [requests(2, 'minute')], 20],
    ['none at all', [requests(0, 'minute')], 20],
    ['many', [requests(100, 'minute')], 400],
    ['the least of several', [requests(100, 'minute'), requests(1_000, 'hour')], 67],
    ['few a day', [requests(2, 'day')], 20],
    ['very many', [requests(1_000_000, 'minute')], 600],
    ['few, only observed', [{ ...requests(2, 'minute'), enforce: false }], 600],
  ])('%s', (_, limits, max) => {
    const ofTeam = makePrincipal(identityOf({ team: { limits: limits.map(stored) } }), credentialFor('h'));
    const ofToken = makePrincipal(identityOf({ token: { limits: limits.map(stored) } }), credentialFor('h'));
    expect([ofTeam, ofToken].map(({ attempts }) => attempts[0]?.max)).toEqual([max, max]);
  });

  it('is bounded by a limit that all sessions of a person share, and not by one of a session alone', () => {
    const ofToken = (id: string): unknown => {
      const limits = [{ ...requests(2, 'minute'), id }];
      const session = sessionOf({ limits });
      return makePrincipal(identityOf({ session }), credentialFor('h')).attempts[0]?.max;
    };
    expect(ofToken(sharedLimitId('oidc-0123', requests(2, 'minute')))).toBe(20);
    expect(ofToken(sessionLimitId('ses_1', 0))).toBe(600);
  });

  it('counts the use of the own limit a minute, of no other', () => {
    const withLimit = (identity: Parameters<typeof identityOf>[0]): unknown =>
      makePrincipal(identityOf(identity), credentialFor('h')).attempts[0]?.withLimit;
    expect(
      withLimit({ token: { limits: [stored(requests(2, 'minute')), stored(requests(9, 'hour'))] } }),
    ).toBe('id-2');
    expect(withLimit({ team: { limits: [stored(requests(2, 'minute'))] } })).toBeNull();
  });
});
