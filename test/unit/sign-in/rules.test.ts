import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RoleRule, TeamRule } from '../../../src/config/issuer.ts';
import { SignInRefusal } from '../../../src/sign-in/oauth-error.ts';
import { type Claims, roleFor, teamFor, verifiedEmail } from '../../../src/sign-in/rules.ts';
import { trustedIssuer } from './trusted.ts';

function teamOf(
  claims: Claims,
  rules: { team?: TeamRule; require?: Record<string, (string | number | boolean)[]> },
) {
  const team = teamFor(trustedIssuer(rules), claims);
  return team instanceof SignInRefusal ? team.error : team;
}

const refused = 'invalid_request';
const teams = { 'example.com': 'acme', 'example.org': 'globex' };

describe('teamFor', () => {
  it.each([
    ['nothing required', {}, {}, 'acme'],
    ['the value required', { hd: 'example.com' }, { hd: ['example.com'] }, 'acme'],
    ['one of the values required', { hd: 'b' }, { hd: ['a', 'b'] }, 'acme'],
    ['another value', { hd: 'example.org' }, { hd: ['example.com'] }, refused],
    ['no value', {}, { hd: ['example.com'] }, refused],
    ['a longer value', { hd: 'example.com.evil.com' }, { hd: ['example.com'] }, refused],
    ['upper case', { hd: 'EXAMPLE.com' }, { hd: ['example.com'] }, refused],
    ['an array that has it', { groups: ['a', 'b'] }, { groups: ['b'] }, 'acme'],
    ['an array that has it not', { groups: ['a', 'c'] }, { groups: ['b'] }, refused],
    ['an array inside an array', { groups: [['b']] }, { groups: ['b'] }, refused],
    ['an empty array', { groups: [] }, { groups: ['b'] }, refused],
    ['an object', { groups: { b: 'b' } }, { groups: ['b'] }, refused],
    ['a number', { level: 3 }, { level: [3] }, 'acme'],
    ['a number as text', { level: '3' }, { level: [3] }, refused],
    ['true as text', { staff: 'true' }, { staff: [true] }, refused],
    ['true', { staff: true }, { staff: [true] }, 'acme'],
    ['one of two rules held', { hd: 'a' }, { hd: ['a'], staff: [true] }, refused],
    ['both rules held', { hd: 'a', staff: true }, { hd: ['a'], staff: [true] }, 'acme'],
    ['an inherited property', {}, { constructor: ['Object'], toString: ['x'] }, refused],
  ])('with %s', (_, claims, require, outcome) => {
    expect(teamOf(claims, { require })).toBe(outcome);
  });

  it.each([
    ['verified', { email: 'a@example.com', email_verified: true }, 'acme'],
    ['not verified', { email: 'a@example.com', email_verified: false }, refused],
    ['verified, it does not say', { email: 'a@example.com' }, refused],
    ['verified as text', { email: 'a@example.com', email_verified: 'true' }, refused],
    ['verified as a number', { email: 'a@example.com', email_verified: 1 }, refused],
  ])('with an e-mail address %s', (_, claims, outcome) => {
    expect(teamOf(claims, { require: { email: ['a@example.com'] } })).toBe(outcome);
    const aliased = { ...claims, email_alias: claims.email };
    expect(teamOf(aliased, { require: { email_alias: ['a@example.com'] } })).toBe(outcome);
    const team: TeamRule = { kind: 'claim', claim: 'email', teams: { 'a@example.com': 'acme' } };
    expect(teamOf(claims, { team })).toBe(outcome);
  });

  it('says that the address must be verified, and no value of a claim', () => {
    const refusal = teamFor(trustedIssuer({ require: { email: ['b@b'] } }), { email: 'canary@a' });
    expect(refusal).toMatchObject({
      status: 400,
      description: expect.stringMatching(/claim email .*email_verified/),
    });
    expect(JSON.stringify(refusal)).not.toContain('canary');
  });

  it('is satisfied by email_verified itself only where it is true', () => {
    const require = { email_verified: [true] };
    expect(teamOf({ email_verified: true }, { require })).toBe('acme');
    expect(teamOf({ email_verified: false }, { require })).toBe(refused);
    expect(teamOf({ email_verified: false }, { require: { email_verified: [false] } })).toBe(refused);
  });

  it.each([
    ['a value that has a team', { hd: 'example.org' }, 'globex'],
    ['a value that has none', { hd: 'example.net' }, refused],
    ['no value', {}, refused],
    ['several values, one of which has a team', { hd: ['x', 'example.org'] }, 'globex'],
    ['several values with a team: the first in the file', { hd: ['example.org', 'example.com'] }, 'acme'],
    ['the name of an inherited property', { hd: 'constructor' }, refused],
    ['the prototype', { hd: '__proto__' }, refused],
    ['an object', { hd: { 'example.com': 'acme' } }, refused],
  ])('by a claim with %s', (_, claims, outcome) => {
    expect(teamOf(claims, { team: { kind: 'claim', claim: 'hd', teams } })).toBe(outcome);
  });

  it('finds nothing under claims every object inherits', () => {
    for (const claim of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      expect(teamOf({}, { team: { kind: 'claim', claim, teams } })).toBe(refused);
      expect(teamOf({}, { require: { [claim]: ['Object', 'x'] } })).toBe(refused);
    }
  });

  it('counts only what a token says itself, should something be inherited', () => {
    const inherited: Claims = Object.create({ hd: 'example.com' });
    expect(teamOf(inherited, { require: { hd: ['example.com'] } })).toBe(refused);
    const vouched: Claims = Object.assign(Object.create({ email_verified: true }), {
      email: 'a@example.com',
    });
    expect(teamOf(vouched, { require: { email: ['a@example.com'] } })).toBe(refused);
    expect(verifiedEmail(vouched)).toBeNull();
  });

  it('gives a team of the rule, and only to claims that have its value', () => {
    const claims = fc.dictionary(fc.oneof(fc.constant('hd'), fc.string()), fc.jsonValue());
    fc.assert(
      fc.property(claims, fc.string({ minLength: 1 }), (wild, value) => {
        const team = teamFor(
          trustedIssuer({ team: { kind: 'claim', claim: 'hd', teams: { [value]: 'acme' } } }),
          wild,
        );
        const own = Object.hasOwn(wild, 'hd') ? [wild['hd']].flat() : [];
        expect(team === 'acme').toBe(own.includes(value));
      }),
      { numRuns: 500 },
    );
  });
});

describe('verifiedEmail', () => {
  it.each([
    [{ email: 'a@example.com', email_verified: true }, 'a@example.com'],
    [{ email: 'a@example.com', email_verified: 'true' }, null],
    [{ email: 'a@example.com' }, null],
    [{ email_verified: true }, null],
    [{ email: 1, email_verified: true }, null],
    [{ email: 'a', email_verified: true }, null],
    [{ email: 'a@b\u001b[2J', email_verified: true }, null],
    [{ email: `${'a'.repeat(250)}@b.co`, email_verified: true }, null],
  ])('of %j is %j', (claims, email) => {
    expect(verifiedEmail(claims)).toBe(email);
  });
});

describe('roleFor', () => {
  const rule = (role: RoleRule['role'], value: string, of: string[] | null = null): RoleRule => {
    return { claim: 'groups', values: [value, `${value}-2`], role, teams: of };
  };
  const roles = [
    rule('team-admin', 'a', ['acme']),
    rule('admin', 'boss'),
    rule('team-admin', 'b', ['beta', 'acme']),
    rule('auditor', 'reader', ['acme']),
    rule('auditor', 'all'),
  ];
  const console = { clientId: 'c', clientSecret: null, scopes: ['openid'], label: 'Some', roles };
  const roleOf = (claims: Claims) => roleFor(trustedIssuer({ console }), claims);

  it.each<[string, unknown, ReturnType<typeof roleFor>]>([
    ['none', ['staff'], null],
    ['one', 'a', { role: 'team-admin', teams: ['acme'] }],
    ['the second value of one', ['a-2'], { role: 'team-admin', teams: ['acme'] }],
    ['two of one role', ['b', 'a'], { role: 'team-admin', teams: ['acme', 'beta'] }],
    ['two of two roles', ['reader', 'boss'], { role: 'admin', teams: null }],
    ['a narrower one first', ['boss', 'a'], { role: 'team-admin', teams: ['acme'] }],
    ['one of all teams', ['reader', 'all'], { role: 'auditor', teams: null }],
    ['an object', { a: 'a' }, null],
  ])('with values that meet %s', (_what, groups, role) => {
    expect(roleOf({ groups })).toEqual(role);
  });

  it('is none where no claim is, or the console has no sign-in', () => {
    expect(roleOf({})).toBeNull();
    expect(roleFor(trustedIssuer(), { groups: ['boss'] })).toBeNull();
  });
});
