import { describe, expect, it } from 'vitest';
import { wordsFor } from '../../../src/cli/doctor-command.ts';
import type { Limit } from '../../../src/base/limit.ts';
import { readSettings } from '../../../src/config/environment.ts';
import { configurationFindings } from '../../../src/doctor/configuration-findings.ts';
import { type Finding, ok, problem, sizeText, timeText } from '../../../src/doctor/finding.ts';
import type { IssuerFacts } from '../../../src/doctor/issuer-facts.ts';
import { issuerFindings } from '../../../src/doctor/issuer-findings.ts';
import { type Spender, spendersIn, spendersOf } from '../../../src/doctor/price-facts.ts';
import { priceFindings } from '../../../src/doctor/price-findings.ts';
import type { UpstreamFacts } from '../../../src/doctor/upstream-facts.ts';
import { upstreamFindings } from '../../../src/doctor/upstream-findings.ts';
import { trustedIssuer } from '../sign-in/trusted.ts';

const texts = (findings: readonly Finding[]): string[] =>
  findings.filter(({ state }) => state !== 'ok').map(({ check, state }) => `${check}: ${state}`);

describe('an upstream', () => {
  const listed = new Map([['nova-pro', { kinds: [], regions: [] }]]);
  const facts: UpstreamFacts = {
    attachment: { name: 'WRITER', baseUrl: 'https://us.example', key: 'inf-secret', modelId: null },
    listing: { status: 200 },
    models: listed,
    keyed: { status: 200 },
  };

  it.each<[string, Partial<UpstreamFacts>, string[]]>([
    ['answers', {}, []],
    ['refuses the key, as only the other path tells', { keyed: { status: 401 } }, ['upstream.key: problem']],
    ['lets nobody see its MCP servers', { keyed: { status: 403 } }, []],
    ['is not there', { listing: { failed: 'ENOTFOUND' }, models: null }, ['upstream.reached: problem']],
    ['fails', { listing: { status: 503 }, models: null }, ['upstream.reached: problem']],
    ['lists nothing', { listing: { status: 404 }, models: null }, ['upstream.models: warning']],
    [
      'does not list the model of the attachment',
      { attachment: { ...facts.attachment, modelId: 'nova_pro' } },
      ['upstream.models: warning'],
    ],
  ])('that %s is told to', (_what, changed, expected) => {
    const findings = upstreamFindings({ ...facts, ...changed });
    expect(texts(findings)).toEqual(expected);
    expect(JSON.stringify(findings)).not.toContain('inf-secret');
  });
});

describe('prices', () => {
  const limit: Limit = { metric: 'cost_usd', window: 'day', max: 5 };
  const acme: Spender = { who: 'team acme', models: null, limits: [limit] };
  const of = (spenders: Spender[], priced: string[]): Finding[] =>
    priceFindings(spenders, { served: ['a', 'b'], isPriced: (model) => priced.includes(model) });

  it('are no trouble without limits on money, or for models that these do not cover', () => {
    expect(texts(of([], []))).toEqual([]);
    expect(texts(of([acme], ['a', 'b']))).toEqual([]);
    expect(texts(of([{ ...acme, models: ['a'] }], ['a']))).toEqual([]);
    expect(texts(of([{ ...acme, limits: [{ ...limit, models: ['a'] }] }], ['a']))).toEqual([]);
  });

  it('that are missing refuse requests under a limit on money', () => {
    const [found] = of([acme, { ...acme, who: 'ana of acme' }], ['a']);
    expect(found).toMatchObject({
      state: 'problem',
      says: 'b has no price, but team acme, ana of acme have limits on money: requests for it are refused (model_unpriced).',
    });
  });

  it('that are missing are not counted by a limit that only observes', () => {
    expect(texts(of([{ ...acme, limits: [{ ...limit, enforce: false }] }], []))).toEqual(['prices: warning']);
  });

  it('matter to everybody who has such a limit: gateway, teams, their end users, users, tokens', async () => {
    const records: Record<string, object[]> = {
      'team ': [
        { id: 'acme', limits: [], end_user_limits: [limit], models: ['a'] },
        { id: 'beta', limits: [{ metric: 'requests', window: 'day', max: 5 }] },
      ],
      'user acme': [{ id: 'ana', limits: [limit] }],
      'token acme': [{ id: 'tok_1', limits: [limit], models: ['b'] }],
    };
    const identities = {
      list: async (kind: string, team = '') =>
        (records[`${kind} ${team}`] ?? []).map((record) => JSON.stringify(record)),
    };
    const settings = JSON.stringify({ limits: [limit], defaults: { team: [], user: [], token: [] } });
    const spenders = await spendersIn(identities, () => Promise.resolve(settings));
    expect(spenders.map(({ who, models }) => [who, models])).toEqual([
      ['the gateway', null],
      ['team acme', ['a']],
      ['ana of acme', ['a']],
      ['tok_1 of acme', ['b']],
    ]);
    const people = { session: { models: ['a'] }, person: { limits: [{ ...limit }] } };
    expect(spendersOf([trustedIssuer(), trustedIssuer(people)])).toMatchObject([{ models: ['a'] }]);
  });
});

describe('an issuer', () => {
  const provider = { issuer: 'https://id.example', jwks_uri: 'https://id.example/jwks' };
  const issuer = trustedIssuer({ issuer: provider.issuer });
  const withConsole = trustedIssuer({
    issuer: provider.issuer,
    console: { clientId: 'c', clientSecret: null, scopes: ['openid'], label: 'Acme', roles: [] },
  });

  it.each<[string, IssuerFacts, string[]]>([
    ['publishes keys', { issuer, discovery: provider, keys: 2 }, []],
    [
      'is not there',
      { issuer, discovery: { failed: 'it is down' }, keys: null },
      ['issuer.discovery: problem'],
    ],
    ['hides its keys', { issuer, discovery: null, keys: { failed: '404' } }, ['issuer.keys: problem']],
    ['publishes no keys', { issuer, discovery: null, keys: 0 }, ['issuer.keys: problem']],
    [
      'has nowhere to sign in',
      { issuer: withConsole, discovery: provider, keys: 2 },
      ['issuer.console: problem'],
    ],
  ])('that %s is told to', (_what, facts, expected) => {
    expect(texts(issuerFindings(facts))).toEqual(expected);
  });
});

describe('a configuration', () => {
  const env = {
    NODE_ENV: 'production',
    DYNO: 'run.1',
    REDIS_URL: 'rediss://store.example',
    ADMIN_KEY: 'Zk3vQ9xT7mWb2LrY8nHc5JdP1sGf4AeU',
    INFERENCE_URL: 'https://us.example',
    INFERENCE_KEY: 'inf-secret',
  };

  function told(more: NodeJS.ProcessEnv): string[] {
    const read = readSettings({ ...env, ...more });
    if (!read.ok) throw new Error(read.problems.join('\n'));
    const { settings, warnings } = read;
    const isProduction = { ...env, ...more }.NODE_ENV === 'production';
    return texts(configurationFindings({ settings, warnings, isProduction }));
  }

  it.each<[NodeJS.ProcessEnv, string[]]>([
    [{}, []],
    [{ ALLOWED_ORIGINS: 'https://app.example' }, []],
    [{ ALLOWED_ORIGINS: 'http://localhost:3000' }, ['configuration.origins: warning']],
    [{ ALLOWED_ORIGINS: 'http://localhost:3000', NODE_ENV: undefined, DYNO: undefined }, []],
    [{ ALLOWED_ORIGINS: 'http://app.example' }, ['configuration.origins: warning']],
    [{ PUBLIC_URLS: 'http://llm.example' }, ['configuration.public_urls: warning']],
    [{ UPSTREAM_TIMEOUT_MS: '30000' }, ['configuration.durations: warning']],
    [{ UPSTREAM_TIMEOUT_MS: '300000', DYNO: undefined }, []],
    [{ HEARTBEAT_MS: '60000' }, ['configuration.durations: warning']],
    [{ LOG_LEVEL: 'silent' }, ['configuration.log: warning']],
    [{ NODE_ENV: undefined }, ['configuration.production: warning']],
    [
      { NODE_ENV: undefined, DYNO: undefined, ADMIN_KEY: undefined, REDIS_URL: undefined },
      ['configuration.warning: warning', 'configuration.admin_key: warning'],
    ],
    [{ DATABASE_URL: 'mysql://h/d' }, ['configuration.warning: warning']],
  ])('with %j is told what looks wrong', (more, expected) => {
    expect(told(more)).toEqual(expected);
  });
});

describe('the words', () => {
  const findings = [
    ok('store.server', 'Redis answers.'),
    problem('prices', `${'Long words '.repeat(8)}end.`, 'npm run tollgate -- prices set a'),
  ];

  it('stand under their areas, as wide as the terminal, with what to do on one line', () => {
    expect(wordsFor(findings, { width: 60, hasColours: false })).toBe(
      [
        'store',
        '  ok       Redis answers.',
        'prices',
        '  problem  Long words Long words Long words Long words Long',
        '           words Long words Long words Long words end.',
        '           → npm run tollgate -- prices set a',
      ].join('\n'),
    );
  });

  it('are coloured only if that is asked for', () => {
    expect(wordsFor(findings, { width: 60, hasColours: true })).toContain(
      '\u001B[31mproblem  \u001B[39mLong',
    );
  });

  it.each([
    [sizeText(0), '0 bytes'],
    [sizeText(999), '999 bytes'],
    [sizeText(1_090_000), '1.09 MB'],
    [sizeText(25e6), '25 MB'],
    [timeText(0.2), '1 ms'],
    [timeText(90_000), '90 s'],
    [timeText(3 * 3_600_000), '3 h'],
  ])('say %s', (text, expected) => {
    expect(text).toBe(expected);
  });
});
