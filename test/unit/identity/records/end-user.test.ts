import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makePrincipal } from '../../../../src/access/principal.ts';
import { checkToken } from '../../../../src/access/policy.ts';
import type { Limit } from '../../../../src/base/limit.ts';
import {
  endUserBuckets,
  endUserCounters,
  endUserLimits,
  endUserOf,
  userIdFor,
} from '../../../../src/identity/records/end-user.ts';
import { anyCharacter } from '../../../support/any-character.ts';
import { credentialFor, identityOf, sessionOf } from '../../access/identities.ts';

const aDay = (max: number, more: object = {}): Limit => ({ metric: 'requests', window: 'day', max, ...more });
const account = { issuer: 'https://accounts.example.com', sub: '7' };
const signedIn = { user: { subject: account }, token: { prefix: '' }, session: sessionOf() };

/** The ids of the limits of a visitor of a team. */
function idsOf(team: string, endUser: string, limits: Limit[] = [aDay(5)]): string[] {
  const session = sessionOf({ end_user: endUser });
  const identity = identityOf({ team: { id: team, end_user_limits: limits }, session });
  return endUserLimits(identity, endUser).map(({ limit }) => limit.id);
}

describe('the end user of a session', () => {
  it('is whom it was made for, and nobody for a token or a session that names nobody', () => {
    expect(endUserOf(identityOf({ session: sessionOf({ end_user: 'ana' }) }))).toBe('ana');
    expect(endUserOf(identityOf({ session: sessionOf() }))).toBeNull();
    expect(endUserOf(identityOf())).toBeNull();
  });

  it('is whoever signed in, whatever a page says', () => {
    const id = userIdFor(account.issuer, account.sub);
    expect(endUserOf(identityOf(signedIn))).toBe(id);
    expect(endUserOf(identityOf({ ...signedIn, session: sessionOf({ end_user: 'somebody' }) }))).toBe(id);
    expect(endUserOf(identityOf({ ...signedIn, user: { id: 'oidc-1' } }))).toBe('oidc-1');
  });
});

describe('limits of an end user', () => {
  it('are those of gateway, team, token and issuer; those that count the same are told apart', () => {
    const identity = {
      ...identityOf({
        team: { end_user_limits: [aDay(4), { metric: 'concurrency', max: 2 }] },
        token: { end_user_limits: [aDay(3)] },
        session: sessionOf({ end_user: 'ana', end_user_limits: [aDay(2, { window: 'month' })] }),
      }),
      gatewayEndUsers: [aDay(5)],
    };
    const limits = endUserLimits(identity, 'ana');
    expect(limits).toMatchObject([
      { scope: 'end_user', limit: { max: 5 } },
      { scope: 'end_user', limit: { max: 4 }, nth: 2 },
      { scope: 'end_user', limit: { metric: 'concurrency' } },
      { scope: 'end_user', limit: { max: 3 }, nth: 3 },
      { scope: 'end_user', limit: { max: 2, window: 'month' } },
    ]);
    expect(new Set(limits.map(({ limit }) => limit.id)).size).toBe(5);
    const { limits: all } = makePrincipal(identity, credentialFor('h'));
    expect(all.map(({ limit }) => limit.max)).toEqual([2, 5, 4, 3, 2]); // the longest window first
  });

  it('have counters that a team shares with no other, and one name with no other', () => {
    const name = fc.string({ unit: anyCharacter, minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(
        name,
        name,
        fc.constantFrom('a', 'b'),
        fc.constantFrom('a', 'b'),
        (one, two, here, there) => {
          expect(idsOf(here, one)[0] === idsOf(there, two)[0]).toBe(one === two && here === there);
        },
      ),
    );
  });

  it('say where their counter is, and stay with the limit while only max changes', () => {
    const limits: Limit[] = [
      aDay(1),
      aDay(1, { window: 'minute' }),
      aDay(1, { window: 'hour' }),
      aDay(1, { window: 'month' }),
      { metric: 'concurrency', max: 1 },
    ];
    const ids = idsOf('acme', 'ana', limits);
    expect(ids.map((id) => id[1])).toEqual(['d', 'm', 'h', 'M', 'd']);
    const places = endUserCounters('acme', 'ana');
    for (const id of ids) {
      expect(id).toMatch(/^=[mhdM]\d+\.[\w-]{16}\/[\w-]{8}$/);
      expect(Number(/\d+/.exec(id)?.[0])).toBeLessThan(endUserBuckets);
      expect(places.filter(({ prefix }) => id.startsWith(prefix))).toHaveLength(1);
    }
    expect(idsOf('acme', 'ana', [aDay(9)])).toEqual(ids.slice(0, 1));
    expect(idsOf('acme', 'ana', [aDay(9, { models: ['m'] })])).not.toEqual(ids.slice(0, 1));
  });

  it('that come to count the same, once aliases are replaced, are one: the least', () => {
    const identity = identityOf({
      team: { end_user_limits: [aDay(4, { models: ['m'] }), aDay(2, { models: ['m'] })] },
      session: sessionOf({ end_user: 'ana' }),
    });
    expect(endUserLimits(identity, 'ana')).toMatchObject([{ limit: { max: 2 } }]);
  });

  it('bound the attempts of the session, and of a token only if that is the person’s own', () => {
    const attempts = (given: Parameters<typeof identityOf>[0]): unknown =>
      makePrincipal(
        identityOf({ ...given, team: { end_user_limits: [aDay(2, { window: 'minute' })] } }),
        credentialFor('h'),
      ).attempts.map(({ max }) => max);
    expect(attempts({ session: sessionOf({ end_user: 'ana' }) })).toEqual([600, 20]);
    expect(attempts(signedIn)).toEqual([20, 20]);
  });
});

describe('a suspended end user', () => {
  const at = '2026-01-01T00:00:00.000Z';
  const codeOf = (name: string, given: Parameters<typeof identityOf>[0]): string | undefined => {
    const identity = identityOf({
      ...given,
      team: { suspended_end_users: [{ end_user: name, suspended_at: at }] },
    });
    return checkToken(makePrincipal(identity, credentialFor('h')), 0)?.code;
  };

  it('is refused in every session, and nobody else is', () => {
    expect(codeOf('ana', { session: sessionOf({ end_user: 'ana' }) })).toBe('suspended');
    expect(codeOf('ana', { session: sessionOf({ end_user: 'Ana' }) })).toBeUndefined();
    expect(codeOf('ana', { session: sessionOf() })).toBeUndefined();
    expect(codeOf('ana', {})).toBeUndefined();
    expect(codeOf(userIdFor(account.issuer, account.sub), signedIn)).toBe('suspended');
  });
});

describe('userIdFor', () => {
  it('is a slug that stays the same', () => {
    const id = userIdFor('https://accounts.google.com', '110169484474386276334');
    expect(id).toMatch(/^oidc-[0-9a-f]{32}$/);
    expect(id).toBe(userIdFor('https://accounts.google.com', '110169484474386276334'));
    expect(id.length).toBeLessThanOrEqual(39);
  });

  it('differs for every pair, wherever the two are cut', () => {
    const wild = fc.string({ unit: anyCharacter, maxLength: 8 });
    fc.assert(
      fc.property(wild, wild, wild, wild, (a, b, c, d) => {
        expect(userIdFor(a, b) === userIdFor(c, d)).toBe(a === c && b === d);
      }),
    );
    const parts = [
      ['ab', 'c'],
      ['a', 'bc'],
      ['a","b', 'c'],
      ['a', 'b","c'],
      ['a', '\ud800'],
      ['a', '\udc00'],
      ['a', '\ufffd'],
    ] as const;
    expect(new Set(parts.map(([issuer, subject]) => userIdFor(issuer, subject))).size).toBe(parts.length);
  });
});
