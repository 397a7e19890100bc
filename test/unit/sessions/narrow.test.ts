import { describe, expect, it } from 'vitest';
import type { Limit } from '../../../src/base/limit.ts';
import { Refusal } from '../../../src/base/refusal.ts';
import type { Principal, Team, Token } from '../../../src/identity/records/identity.ts';
import { limitsWithin, narrowed, type NarrowOptions } from '../../../src/sessions/narrow.ts';
import type { NewSession } from '../../../src/sessions/schema.ts';
import { endpoints } from '../../../src/validation/registry.ts';
import { makePrincipal } from '../../../src/access/principal.ts';
import { credentialFor, identityOf } from '../access/identities.ts';

const chat = '/v1/chat/completions';
const embeddings = '/v1/embeddings';
const perMinute = (max: number, models?: string[]): Limit => ({
  metric: 'requests',
  window: 'minute',
  max,
  ...(models ? { models } : {}),
});
const tokensADay = (max: number) => ({ metric: 'tokens', window: 'day', max }) as const;
const options: NarrowOptions = {
  allowedOrigins: ['https://app.example'],
  pinnedProblems: () => [],
};

function parent({ team, token }: { team?: Partial<Team>; token?: Partial<Token> } = {}): Principal {
  const identity = identityOf({ ...(team ? { team } : {}), ...(token ? { token } : {}) });
  return makePrincipal(identity, credentialFor('hash'));
}

describe('narrowed', () => {
  it.each<[string, NewSession, Parameters<typeof parent>[0], object]>([
    ['nothing asked for', {}, {}, { models: null, endpoints: null, origins: null, tools: null, limits: [] }],
    ['models of an unrestricted parent', { models: ['a'] }, {}, { models: ['a'] }],
    [
      'a model that token and team have',
      { models: ['a'] },
      { team: { models: ['a', 'b'] }, token: { models: ['a'] } },
      { models: ['a'] },
    ],
    ['an endpoint that an unrestricted token may use', { endpoints: [chat] }, {}, { endpoints: [chat] }],
    [
      'an origin of the gateway',
      { origins: ['https://app.example', 'none'] },
      {},
      { origins: ['https://app.example', 'none'] },
    ],
    [
      "an origin of the token's list",
      { origins: ['https://own.example'] },
      { token: { origins: ['https://own.example'] } },
      { origins: ['https://own.example'] },
    ],
    [
      'a tool of the token',
      { tools: ['t'] },
      { team: { tools: ['t'] }, token: { tools: ['t'] } },
      { tools: ['t'] },
    ],
    [
      'a limit as large as the parent’s',
      { limits: [perMinute(3)] },
      { team: { limits: [{ id: 'l', ...perMinute(3) }] } },
      { limits: [perMinute(3)] },
    ],
    [
      'a larger limit that counts cached tokens, as the parent’s does not',
      { limits: [tokensADay(9)] },
      { team: { limits: [{ id: 'l', ...tokensADay(3), count_cached: false }] } },
      { limits: [tokensADay(9)] },
    ],
    [
      'a larger limit for models that the parent’s does not cover',
      { limits: [perMinute(9)] },
      { team: { limits: [{ id: 'l', ...perMinute(3, ['a']) }] } },
      { limits: [perMinute(9)] },
    ],
  ])('allows %s', (_, asked, above, expected) => {
    expect(narrowed(asked, parent(above), options)).toMatchObject({ pinned: null, ...expected });
  });

  it.each<[string, NewSession, Parameters<typeof parent>[0], string, string]>([
    [
      'a model that the token does not have',
      { models: ['b'] },
      { token: { models: ['a'] } },
      'model_not_allowed',
      'models',
    ],
    [
      'a model that the team does not have',
      { models: ['b'] },
      { team: { models: ['a'] } },
      'model_not_allowed',
      'models',
    ],
    [
      'an endpoint beyond the token’s list',
      { endpoints: [embeddings] },
      { token: { endpoints: [chat] } },
      'endpoint_not_allowed',
      'endpoints',
    ],
    [
      'an endpoint that must be named',
      { endpoints: ['/v1/agents/heroku'] },
      {},
      'endpoint_not_allowed',
      'endpoints',
    ],
    [
      'an origin of neither token nor gateway',
      { origins: ['https://else.example'] },
      {},
      'origin_not_allowed',
      'origins',
    ],
    [
      'an origin of the gateway if the token has a list',
      { origins: ['https://app.example'] },
      { token: { origins: [] } },
      'origin_not_allowed',
      'origins',
    ],
    [
      'an endpoint that the team does not have',
      { endpoints: [embeddings] },
      { team: { endpoints: [chat] } },
      'endpoint_not_allowed',
      'endpoints',
    ],
    [
      'an origin that the team does not have',
      { origins: ['https://app.example'] },
      { team: { origins: ['none'] } },
      'origin_not_allowed',
      'origins',
    ],
    [
      'a tool that the team does not have',
      { tools: ['t'] },
      { token: { tools: ['t'] } },
      'tool_not_allowed',
      'tools',
    ],
    ['a tool if the token names none', { tools: ['t'] }, {}, 'tool_not_allowed', 'tools'],
    [
      'a limit larger than the parent’s',
      { limits: [perMinute(1), perMinute(4)] },
      { token: { limits: [{ id: 'l', ...perMinute(3) }] } },
      'wider_than_parent',
      'limits.1.max',
    ],
    [
      'a larger limit that counts less than the parent’s',
      { limits: [{ ...tokensADay(4), count_cached: false }] },
      { token: { limits: [{ id: 'l', ...tokensADay(3) }] } },
      'wider_than_parent',
      'limits.0.max',
    ],
  ])('refuses %s', (_, asked, above, code, param) => {
    const refusal = narrowed(asked, parent(above), options);
    expect(refusal).toBeInstanceOf(Refusal);
    expect(refusal).toMatchObject({ code, details: { param } });
  });
});

describe('a pinned request', () => {
  const pinnedTo = (fields: object, more: Partial<NewSession> = {}): NewSession => ({
    ...more,
    pinned: { endpoint: undefined, allow: undefined, fields: { ...fields } },
  });

  it.each<[string, NewSession, string]>([
    ['chat if it names no endpoint', pinnedTo({}), chat],
    ['the only endpoint of the session', pinnedTo({}, { endpoints: [embeddings] }), embeddings],
    ['chat if the session has several endpoints', pinnedTo({}, { endpoints: [embeddings, chat] }), chat],
  ])('belongs to %s', (_, asked, endpoint) => {
    expect(narrowed(asked, parent(), options)).toMatchObject({ endpoints: [endpoint], pinned: { endpoint } });
  });

  it('restricts the session to its model', () => {
    expect(narrowed(pinnedTo({ model: 'a' }), parent(), options)).toMatchObject({ models: ['a'] });
  });

  it('may send the fields that its endpoint allows by default', () => {
    const policy = narrowed(pinnedTo({}), parent(), options);
    const open = endpoints.find(({ path }) => path === chat)?.defaultAllow;
    expect(policy).toMatchObject({ pinned: { allow: open } });
  });

  it.each<[string, NewSession, Parameters<typeof parent>[0], string, string]>([
    [
      'a model that the session does not have',
      pinnedTo({ model: 'b' }, { models: ['a'] }),
      {},
      'model_not_allowed',
      'pinned.model',
    ],
    [
      'a model that the token does not have',
      pinnedTo({ model: 'b' }),
      { token: { models: ['a'] } },
      'model_not_allowed',
      'pinned.model',
    ],
    [
      'a model that the team does not have',
      pinnedTo({ model: 'b' }),
      { team: { models: ['a'] } },
      'model_not_allowed',
      'pinned.model',
    ],
    [
      'an endpoint that the token does not have',
      pinnedTo({}),
      { token: { endpoints: [embeddings] } },
      'endpoint_not_allowed',
      'pinned.endpoint',
    ],
    [
      'an endpoint that the session does not have',
      { endpoints: [embeddings], pinned: { endpoint: chat, allow: null, fields: {} } },
      {},
      'invalid_body',
      'pinned.endpoint',
    ],
  ])('is refused with %s', (_, asked, above, code, param) => {
    expect(narrowed(asked, parent(above), options)).toMatchObject({ code, details: { param } });
  });

  it('is refused with the problems that its endpoint finds', () => {
    const problems = [{ param: 'pinned.n', message: 'pinned.n must be a number.' }];
    const refusal = narrowed(pinnedTo({}), parent(), { ...options, pinnedProblems: () => problems });
    expect(refusal).toMatchObject({ code: 'invalid_body', details: { param: 'pinned.n' } });
  });
});

describe('limitsWithin', () => {
  const above = parent({ team: { limits: [{ id: 'l', ...perMinute(3) }] } }).limits;

  it.each<[string, Limit, boolean]>([
    ['a smaller one', perMinute(2), true],
    ['an equal one', perMinute(3), true],
    ['a larger one', perMinute(4), false],
    ['a larger one for some models', perMinute(4, ['a']), false],
    ['a larger one over another window', { metric: 'requests', window: 'hour', max: 9 }, true],
    ['one of another metric', { metric: 'concurrency', max: 9 }, true],
    ['a larger one that only observes', { ...perMinute(4), enforce: false }, true],
  ])('decides about %s', (_, limit, isKept) => {
    expect(limitsWithin([limit], above)).toEqual(isKept ? [limit] : []);
  });

  it('compares with what holds without a raise, and with nothing that only observes', () => {
    const raised = above.map((each) => ({ ...each, raises: [{ by: 9, untilMs: Infinity }] }));
    expect(limitsWithin([perMinute(4)], raised)).toEqual([]);
    const observed = above.map(({ scope, limit }) => ({ scope, limit: { ...limit, enforce: false } }));
    expect(limitsWithin([perMinute(4)], observed)).toEqual([perMinute(4)]);
  });
});
