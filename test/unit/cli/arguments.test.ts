import { InvalidArgumentError } from 'commander';
import { describe, expect, it } from 'vitest';
import { adminPath, bodyOf, parseDuration, parseExpiry, parseLimit } from '../../../src/cli/arguments.ts';

describe('parseLimit', () => {
  it.each([
    ['tokens/day=100000', { metric: 'tokens', window: 'day', max: 100_000 }],
    ['requests/minute=0', { metric: 'requests', window: 'minute', max: 0 }],
    ['images/month=5', { metric: 'images', window: 'month', max: 5 }],
    ['concurrency=5', { metric: 'concurrency', max: 5 }],
    ['tokens/day=5:uncached', { metric: 'tokens', window: 'day', max: 5, count_cached: false }],
    [
      'tokens/day=5:uncached@m',
      { metric: 'tokens', window: 'day', max: 5, models: ['m'], count_cached: false },
    ],
    ['concurrency=5:observe', { metric: 'concurrency', max: 5, enforce: false }],
    [
      'tokens/day=5:uncached:observe@m',
      { metric: 'tokens', window: 'day', max: 5, models: ['m'], enforce: false, count_cached: false },
    ],
    ['tokens/hour=1@m', { metric: 'tokens', window: 'hour', max: 1, models: ['m'] }],
    ['concurrency=5@a/b,c:1', { metric: 'concurrency', max: 5, models: ['a/b', 'c:1'] }],
    [`tokens/day=${2 ** 53 - 1}`, { metric: 'tokens', window: 'day', max: 2 ** 53 - 1 }],
  ])('reads %s', (text, limit) => {
    expect(parseLimit(text)).toEqual(limit);
  });

  it.each([
    '',
    'tokens',
    'tokens=5',
    'tokens/day',
    'tokens/day=',
    'tokens/day=-1',
    'tokens/day=1.5',
    'tokens/day=1k',
    'tokens/year=1',
    'dollars/day=1',
    'concurrency/day=1',
    'concurrency=',
    'tokens/day=1:cached',
    'tokens/day=1:observe:observe',
    'tokens/day=1:enforce',
    'requests/day=1:uncached',
    'cost_usd/day=1:uncached',
    'concurrency=1:uncached',
    'tokens/day=1@',
    ' tokens/day=1',
    `tokens/day=${2 ** 53}`,
  ])('refuses %j', (text) => {
    expect(() => parseLimit(text)).toThrow(InvalidArgumentError);
  });
});

describe('parseExpiry', () => {
  it.each([
    ['45s', { expires_in: 45 }],
    ['30m', { expires_in: 1_800 }],
    ['12h', { expires_in: 43_200 }],
    ['90d', { expires_in: 7_776_000 }],
    ['2w', { expires_in: 1_209_600 }],
    ['2027-01-31', { expires_at: '2027-01-31T00:00:00Z' }],
    ['2027-01-31T12:00:00+01:00', { expires_at: '2027-01-31T12:00:00+01:00' }],
  ])('reads %s', (text, fields) => {
    expect(parseExpiry(text)).toEqual(fields);
  });

  it.each(['', '90', 'd', '1.5d', '-1d', '1y', 'tomorrow', '2027-1-1'])('refuses %j', (text) => {
    expect(() => parseExpiry(text)).toThrow(InvalidArgumentError);
  });
});

describe('parseDuration', () => {
  it.each([
    ['0', 0],
    ['0s', 0],
    ['45s', 45],
    ['7d', 604_800],
    ['2w', 1_209_600],
  ])('reads %s', (text, seconds) => {
    expect(parseDuration(text)).toBe(seconds);
  });

  it.each(['', '90', 'd', '-1d', '1.5h', '1y', '2027-01-31'])('refuses %j', (text) => {
    expect(() => parseDuration(text)).toThrow(InvalidArgumentError);
  });
});

describe('bodyOf', () => {
  it('says nothing of what was not given', () => {
    expect(bodyOf({})).toEqual({});
  });

  it('names the fields as the API does', () => {
    const limit = { metric: 'concurrency', max: 1 } as const;
    const body = bodyOf({
      name: 'n',
      email: 'e',
      limit: [limit],
      model: ['m'],
      endpoint: ['/v1/x'],
      origin: ['none'],
      tool: ['t'],
      expires: { expires_in: 60 },
    });
    expect(body).toEqual({
      name: 'n',
      email: 'e',
      limits: [limit],
      models: ['m'],
      endpoints: ['/v1/x'],
      origins: ['none'],
      tools: ['t'],
      expires_in: 60,
    });
  });

  it('names an account, empties lists, bounds the bodies of sessions, and says what they must prove', () => {
    const given = {
      issuer: 'https://idp.example',
      subject: '42',
      maxSessionBody: 1_000,
      sessionProof: 'once',
    };
    expect(bodyOf(given)).toEqual({
      subject: { issuer: 'https://idp.example', sub: '42' },
      max_session_body_bytes: 1_000,
      session_proof: 'once',
    });
    expect(bodyOf({ empty: ['models', 'tools'], tool: ['t'] })).toEqual({ models: [], tools: ['t'] });
  });

  it('clears by null, unless the field is also set', () => {
    expect(bodyOf({ clear: ['name', 'limits'], name: 'n' })).toEqual({ name: 'n', limits: null });
  });
});

describe('adminPath', () => {
  it('keeps what is typed inside its part of the path', () => {
    expect(adminPath('teams', 'acme', 'users')).toBe('/admin/teams/acme/users');
    expect(adminPath('teams', '../usage?x=1')).toBe('/admin/teams/..%2Fusage%3Fx%3D1');
  });

  it.each(['', '.', '..'])('is not made of %j, which would be the path of something else', (part) => {
    expect(() => adminPath('teams', part, 'users')).toThrow(expect.objectContaining({ exitCode: 2 }));
  });
});
