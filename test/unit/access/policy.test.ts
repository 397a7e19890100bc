import { describe, expect, it } from 'vitest';
import {
  checkEndpoint,
  checkFurtherModels,
  checkModel,
  checkOrigin,
  checkToken,
  checkTools,
} from '../../../src/access/policy.ts';
import type { Limit } from '../../../src/base/limit.ts';
import { makePrincipal } from '../../../src/access/principal.ts';
import type { Principal, Team, Token } from '../../../src/identity/records/identity.ts';
import { credentialFor, identityOf } from './identities.ts';

function withToken(token: Partial<Token>, team: Partial<Team> = {}): Principal {
  return makePrincipal(identityOf({ token, team }), credentialFor('hash'));
}

describe('checkToken', () => {
  const expiresAt = '2026-03-01T00:00:00.000Z';
  const expiresAtMs = Date.parse(expiresAt);

  it.each([
    ['a token that never expires', {}, Number.MAX_SAFE_INTEGER, undefined],
    ['one a millisecond before it expires', { expires_at: expiresAt }, expiresAtMs - 1, undefined],
    ['one at the moment it expires', { expires_at: expiresAt }, expiresAtMs, 'expired_token'],
    ['a revoked one', { revoked_at: expiresAt }, 0, 'revoked_token'],
    [
      'one revoked and expired',
      { revoked_at: expiresAt, expires_at: expiresAt },
      expiresAtMs,
      'revoked_token',
    ],
  ])('of %s', (_, token, nowMs, code) => {
    expect(checkToken(withToken(token), nowMs)?.code).toBe(code);
  });

  it('says that a token was reported as leaked, and of no other', () => {
    const messageOf = (token: Partial<Token>): string =>
      checkToken(withToken({ revoked_at: expiresAt, ...token }), 0)?.message ?? '';
    expect(messageOf({ revoked_because: 'leaked' })).toBe(
      `This token was revoked at ${expiresAt}, since it was reported as leaked. Ask for a new one.`,
    );
    expect(messageOf({})).toBe(`This token was revoked at ${expiresAt}. Ask for a new one.`);
  });
});

describe('checkOrigin', () => {
  const app = 'https://app.example.com';
  const elsewhere = 'https://elsewhere.example.com';
  type Row = [string, string[] | null, string | undefined, string[], boolean];

  it.each<Row>([
    ['no own list, no Origin', null, undefined, [], true],
    ['no own list, an allowed origin', null, app, [app], true],
    ['no own list, another origin', null, elsewhere, [app], false],
    ['no own list and none allowed', null, app, [], false],
    ['own list, an origin on it', [app], app, [], true],
    ['own list, another origin', [app], elsewhere, [], false],
    ['own list, an origin that only ALLOWED_ORIGINS has', [app], elsewhere, [elsewhere], false],
    ['own list without none, no Origin', [app], undefined, [], false],
    ['own list with none, no Origin', [app, 'none'], undefined, [], true],
    ['own list of none, an origin', ['none'], app, [app], false],
    ['own list of none, the Origin "none"', ['none'], 'none', [], false],
    ['empty list, an origin', [], app, [app], false],
    ['empty list, no Origin', [], undefined, [app], false],
    ['the opaque origin', null, 'null', [app], false],
    ['an empty Origin', [app, 'none'], '', [app], false],
    ['a default port written out', [app], `${app}:443`, [], true],
    ['another port', [app], `${app}:8443`, [], false],
    ['another scheme', [app], 'http://app.example.com', [], false],
    ['upper case', [app], 'HTTPS://App.Example.COM', [], true],
    ['a path behind it', [app], `${app}/`, [], false],
    ['a longer name', [app], `${app}.evil.com`, [], false],
    ['a user before it', [app], 'https://x@app.example.com', [], false],
    ['an extension', ['chrome-extension://abc'], 'chrome-extension://abc', [], true],
    ['another extension', ['chrome-extension://abc'], 'chrome-extension://abd', [], false],
  ])('with %s', (_, origins, origin, allowedOrigins, admitted) => {
    const refusal = checkOrigin(withToken({ origins }), origin, allowedOrigins);
    expect(refusal?.code).toBe(admitted ? undefined : 'origin_not_allowed');
  });
});

describe('checkEndpoint', () => {
  const chat = '/v1/chat/completions';
  it.each([
    ['absent', null, true],
    ['empty', [], false],
    ['one that has it', ['/v1/embeddings', chat], true],
    ['one that has it not', ['/v1/embeddings'], false],
  ])('with a list %s', (_, endpoints, admitted) => {
    const refusal = checkEndpoint(withToken({ endpoints }), { path: chat });
    expect(refusal?.code).toBe(admitted ? undefined : 'endpoint_not_allowed');
  });
});

describe('checkEndpoint, where it must be named', () => {
  const agents = { path: '/v1/agents/heroku', mustBeNamed: true } as const;
  it.each([
    ['absent', null, /an administrator must name it in the token's endpoints/],
    ['empty', [], /It may use: none/],
    ['one that has it', [agents.path], null],
    ['one that has it not', ['/v1/embeddings'], /It may use: \/v1\/embeddings/],
  ])('with a list %s', (_, endpoints, message) => {
    const refusal = checkEndpoint(withToken({ endpoints }), agents);
    expect(refusal?.code).toBe(message === null ? undefined : 'endpoint_not_allowed');
    expect(refusal?.message ?? '').toMatch(message ?? /^$/);
  });
});

describe('checkModel', () => {
  it.each([
    ['neither list', null, null, undefined],
    ['both lists', ['m', 'n'], ['m'], undefined],
    ['only the token list', ['m'], null, undefined],
    ['only the team list', null, ['m'], undefined],
    ['not the token list', ['n'], ['m'], /^This token may not use the model m\. It may use: n\./],
    ['not the team list', ['m'], ['n'], /^This team may not use the model m\. It may use: n\./],
    ['an empty token list', [], null, /It may use: none\./],
    ['an empty team list', null, [], /It may use: none\./],
  ])('on %s', (_, ofToken, ofTeam, message) => {
    const refusal = checkModel(withToken({ models: ofToken }, { models: ofTeam }), 'm');
    expect(refusal?.code).toBe(message && 'model_not_allowed');
    expect(refusal?.details.param).toBe(message && 'model');
    expect(refusal?.message ?? '').toMatch(message ?? /^$/);
  });
});

describe('checkFurtherModels', () => {
  const perDay: Limit = { metric: 'requests', window: 'day', max: 1 };
  it.each<[string, Partial<Token>, boolean]>([
    ['no list and no limit', {}, true],
    ['all of them on the list', { models: ['m', 'n', 'o'] }, true],
    ['one of them not on the list', { models: ['m', 'n'] }, false],
    ['a limit that counts all models', { limits: [{ id: 'l', ...perDay }] }, true],
    ['a limit that counts one model', { limits: [{ id: 'l', ...perDay, models: ['m'] }] }, false],
    ['a limit on money', { limits: [{ id: 'l', metric: 'cost_usd', window: 'day', max: 1 }] }, false],
  ])('with %s', (_, token, admitted) => {
    const refusal = checkFurtherModels(withToken(token), ['n', 'o']);
    expect(refusal?.code).toBe(admitted ? undefined : 'model_not_allowed');
    expect(checkFurtherModels(withToken(token), [])).toBeNull();
  });
});

describe('checkTools', () => {
  it.each([
    ['no list, plain functions only', null, ['a'], [], true],
    ['no list', null, ['a'], ['a'], false],
    ['an empty list', [], ['a'], ['a'], false],
    ['an empty list, plain functions only', [], [], [], true],
    ['all of them named', ['a', 'b'], ['a', 'b', 'c'], ['b', 'a'], true],
    ['one of them not named', ['a'], ['a', 'b'], ['a', 'b'], false],
    ['one that the team does not have', ['a', 'b'], ['a'], ['a', 'b'], false],
    ['a team without a list', ['a'], null, ['a'], false],
    ['a team from before there were such lists', ['a'], undefined, ['a'], false],
  ])('with %s', (_, tools, ofTeam, remote, admitted) => {
    const refusal = checkTools(withToken({ tools }, ofTeam === undefined ? {} : { tools: ofTeam }), remote);
    expect(refusal?.code).toBe(admitted ? undefined : 'tool_not_allowed');
  });

  it('says whose list is in the way', () => {
    const refusal = checkTools(withToken({ tools: ['a'] }, { tools: ['b'] }), ['a']);
    expect(refusal?.message).toMatch(/^This team may not use the tool "a"\. It may use: b\./);
  });

  it('names the tool refused, cut short', () => {
    const refusal = checkTools(withToken({ tools: ['a'] }, { tools: ['a'] }), ['a', 'b'.repeat(10_000)]);
    expect(refusal?.message).toContain('"bbb');
    expect(refusal?.message.length).toBeLessThan(300);
  });
});
