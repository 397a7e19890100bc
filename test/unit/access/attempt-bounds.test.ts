import { describe, expect, it } from 'vitest';
import { makePrincipal } from '../../../src/access/principal.ts';
import type { Limit, StoredLimit } from '../../../src/base/limit.ts';
import { credentialFor, identityOf } from './identities.ts';

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
  ])('%s', (_, limits, max) => {
    const ofTeam = makePrincipal(identityOf({ team: { limits: limits.map(stored) } }), credentialFor('h'));
    const ofToken = makePrincipal(identityOf({ token: { limits: limits.map(stored) } }), credentialFor('h'));
    expect([ofTeam, ofToken].map(({ attempts }) => attempts[0]?.max)).toEqual([max, max]);
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
