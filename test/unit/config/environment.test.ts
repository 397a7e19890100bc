import { randomBytes } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { modelsFileOf, readSettings, type Settings } from '../../../src/config/environment.ts';
import { variables } from '../../../src/config/variables.ts';

const minimal = { INFERENCE_URL: 'https://us.inference.heroku.com', INFERENCE_KEY: 'inf-1' };
const production = {
  ...minimal,
  NODE_ENV: 'production',
  ADMIN_KEY: 'e779ae2c795d6f77f038ee48a984706d',
  REDIS_URL: 'redis://127.0.0.1:6379',
};

function settingsOf(env: NodeJS.ProcessEnv): Settings {
  const result = readSettings(env);
  if (!result.ok) throw new Error(result.problems.join('\n'));
  return result.settings;
}

function warningsOf(env: NodeJS.ProcessEnv): string[] {
  const result = readSettings(env);
  if (!result.ok) throw new Error(result.problems.join('\n'));
  return result.warnings;
}

function problemsOf(env: NodeJS.ProcessEnv): string[] {
  const result = readSettings(env);
  return result.ok ? [] : result.problems;
}

describe('readSettings', () => {
  it('needs an attachment and nothing else', () => {
    expect(problemsOf({})).toEqual([expect.stringMatching(/^INFERENCE_URL, INFERENCE_KEY: /)]);
    expect(settingsOf(minimal)).toMatchObject({
      port: 3000,
      host: undefined,
      store: { kind: 'memory' },
      attachments: [{ name: 'INFERENCE' }],
      allowedOrigins: [],
      workers: 1,
      logLevel: 'info',
      maxBodyBytes: 10_485_760,
      bodyBudgetBytes: 134_217_728,
      maxConnections: 6_000,
      storeTimeoutMs: 1_000,
      upstreamTimeoutMs: 300_000,
      streamIdleTimeoutMs: 300_000,
      firstHeartbeatMs: 27_000,
      heartbeatMs: 25_000,
      readerTimeoutMs: 60_000,
      bodyTimeoutMs: 30_000,
      shutdownGraceMs: 25_000,
      leaseMs: 20_000,
      ledgerMaxEntries: 10_000,
      usageRetentionDays: 92,
      usageBreakdownRows: 400,
    });
  });

  it('treats what is set to nothing as unset, save ADMIN_KEY', () => {
    const others = variables.filter((name) => name !== 'ADMIN_KEY' && !(name in minimal));
    const blank = Object.fromEntries(others.map((name) => [name, name.length % 2 === 0 ? '' : '  ']));
    const { adminKey: _, ...settings } = settingsOf({ ...blank, ...minimal });
    const { adminKey: __, ...defaults } = settingsOf(minimal);
    expect(settings).toEqual(defaults);
  });

  it('ignores variables that are not its own', () => {
    expect(problemsOf({ ...minimal, PATH: '/bin', DATABASE_URL: 'postgres://h/d' })).toEqual([]);
  });

  it('serves without a DATABASE_URL that cannot be read, and does not repeat it', () => {
    const env = { ...production, DATABASE_URL: 'postgres://u:canary%zz@h/d' };
    expect(settingsOf(env).records).toBeNull();
    expect(warningsOf(env)).toEqual(['DATABASE_URL: a % must be written as %25. Nothing is recorded.']);
  });

  describe('numbers', () => {
    it.each([
      ['PORT', 'port', 0, 65_535],
      ['WEB_CONCURRENCY', 'workers', 1, 128],
      ['MAX_BODY_BYTES', 'maxBodyBytes', 1, 268_435_456],
      ['MAX_CONNECTIONS', 'maxConnections', 16, 1_000_000],
      ['STORE_TIMEOUT_MS', 'storeTimeoutMs', 1, 2_147_483_647],
      ['UPSTREAM_TIMEOUT_MS', 'upstreamTimeoutMs', 1, 2_147_483_647],
      ['STREAM_IDLE_TIMEOUT_MS', 'streamIdleTimeoutMs', 1, 2_147_483_647],
      ['FIRST_HEARTBEAT_MS', 'firstHeartbeatMs', 1, 2_147_483_647],
      ['HEARTBEAT_MS', 'heartbeatMs', 1, 2_147_483_647],
      ['READER_TIMEOUT_MS', 'readerTimeoutMs', 1, 2_147_483_647],
      ['BODY_TIMEOUT_MS', 'bodyTimeoutMs', 1, 2_147_483_647],
      ['SHUTDOWN_GRACE_MS', 'shutdownGraceMs', 1, 2_147_483_647],
      ['LEASE_MS', 'leaseMs', 100, 30_000],
      ['REFUSED_CREDENTIALS_PER_MINUTE', 'refusedCredentialsPerMinute', 1, 1_000_000],
      ['SESSIONS_PER_MINUTE', 'sessionsPerMinute', 1, 1_000_000],
      ['SESSION_STORE_BYTES', 'sessionStoreBytes', 65_536, 1_073_741_824],
      ['END_USER_STORE_BYTES', 'endUserStoreBytes', 1_048_576, 1_073_741_824],
      ['LEDGER_MAX_ENTRIES', 'ledgerMaxEntries', 1, 10_000_000],
      ['USAGE_RETENTION_DAYS', 'usageRetentionDays', 1, 3_660],
      ['USAGE_BREAKDOWN_ROWS', 'usageBreakdownRows', 2, 10_000],
    ] as const)('%s', (name, field, min, max) => {
      const env = { ...production, BODY_BUDGET_BYTES: '68719476736' };
      expect(settingsOf({ ...env, [name]: String(min) })[field]).toBe(min);
      expect(settingsOf({ ...env, [name]: ` ${max} ` })[field]).toBe(max);
      for (const wrong of [
        String(min - 1),
        String(max + 1),
        'abc',
        '1.5',
        '1e3',
        '0x10',
        '-1',
        '9'.repeat(400),
      ]) {
        expect(problemsOf({ ...env, [name]: wrong })).toEqual([
          `${name}: expected a whole number from ${min} to ${max}.`,
        ]);
      }
    });

    it('LIMIT_EVENT_LEVELS are at most five percentages, in any order', () => {
      expect(settingsOf(minimal).limitEventLevels).toEqual([80, 95, 100]);
      const levels = (text: string) => settingsOf({ ...minimal, LIMIT_EVENT_LEVELS: text }).limitEventLevels;
      expect(levels(' 100, 1,50,1 ')).toEqual([1, 50, 100]);
      expect(levels('1,2,3,4,5')).toEqual([1, 2, 3, 4, 5]);
      for (const wrong of ['0', '101', '80,', '80;90', '80 %', '1e2', '9.5', 'x', '-1', '1,2,3,4,5,6']) {
        expect(problemsOf({ ...minimal, LIMIT_EVENT_LEVELS: wrong }), wrong).toEqual([
          'LIMIT_EVENT_LEVELS: expected at most 5 whole numbers from 1 to 100, comma-separated, such as 80,95,100.',
        ]);
      }
    });

    it('BODY_BUDGET_BYTES holds at least one body of MAX_BODY_BYTES', () => {
      expect(
        settingsOf({ ...minimal, MAX_BODY_BYTES: '100', BODY_BUDGET_BYTES: '100' }).bodyBudgetBytes,
      ).toBe(100);
      expect(problemsOf({ ...minimal, MAX_BODY_BYTES: '101', BODY_BUDGET_BYTES: '100' })).toEqual([
        expect.stringMatching(/^BODY_BUDGET_BYTES: expected at least MAX_BODY_BYTES/),
      ]);
    });
  });

  it('shortens the upstream timeout on a dyno, where the router waits 30 s', () => {
    expect(settingsOf({ ...minimal, DYNO: 'web.1' })).toMatchObject({
      upstreamTimeoutMs: 28_000,
    });
    const asked = { ...minimal, DYNO: 'web.1', UPSTREAM_TIMEOUT_MS: '29000' };
    expect(settingsOf(asked).upstreamTimeoutMs).toBe(29_000);
  });

  it.each(['127.0.0.1', '::', 'localhost'])('HOST may be %s', (host) => {
    expect(settingsOf({ ...minimal, HOST: host }).host).toBe(host);
  });

  it.each(['http://127.0.0.1', 'a b', '127.0.0.1/24'])('HOST may not be %s', (host) => {
    expect(problemsOf({ ...minimal, HOST: host })).toEqual([expect.stringMatching(/^HOST: expected/)]);
  });

  it.each(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])('LOG_LEVEL may be %s', (level) => {
    expect(settingsOf({ ...minimal, LOG_LEVEL: level.toUpperCase() }).logLevel).toBe(level);
  });

  it('LOG_LEVEL may be nothing else', () => {
    expect(problemsOf({ ...minimal, LOG_LEVEL: 'verbose' })).toEqual([
      'LOG_LEVEL: expected trace, debug, info, warn, error, fatal or silent.',
    ]);
  });

  it('takes a catalogue of the operator, relative to the working directory', () => {
    expect(modelsFileOf({})).toMatch(/[/\\]config[/\\]models\.json$/);
    expect(modelsFileOf({ MODELS_FILE: '/etc/models.json' })).toBe('/etc/models.json');
    expect(modelsFileOf({ MODELS_FILE: 'my.json' })).toBe(`${process.cwd()}/my.json`);
  });

  it('tells every problem at once', () => {
    const problems = problemsOf({
      NODE_ENV: 'production',
      PORT: 'abc',
      HOST: 'a b',
      LOG_LEVEL: 'loud',
      WEB_CONCURRENCY: '0',
      REDIS_TLS_VERIFY: 'perhaps',
      REDIS_PREFIX: 'a b',
      STORE: 'disk',
      ADMIN_KEY: 'short',
      ALLOWED_ORIGINS: '*',
      EMBEDDING_URL: 'https://us.inference.heroku.com',
      MAX_BODY_BYTES: '10MB',
    });
    expect(new Set(problems.map((problem) => problem.split(':')[0]))).toEqual(
      new Set([
        'ADMIN_KEY',
        'ALLOWED_ORIGINS',
        'EMBEDDING_KEY',
        'HOST',
        'LOG_LEVEL',
        'MAX_BODY_BYTES',
        'PORT',
        'REDIS_PREFIX',
        'REDIS_TLS_VERIFY',
        'STORE',
        'WEB_CONCURRENCY',
      ]),
    );
    expect(problems).toHaveLength(11);
  });

  it('never puts a value into a problem or a warning', () => {
    const value = fc.oneof(
      fc.string().map((text) => `canary-${text}`),
      fc.constantFrom(
        'redis://:canary@',
        'https://canary@host/',
        'rediss://:canary@host:1',
        'inf-canary',
        '1',
      ),
    );
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...variables), value), (env) => {
        const result = readSettings(env);
        expect((result.ok ? result.warnings : result.problems).join('\n')).not.toContain('canary');
      }),
      { numRuns: 300 },
    );
  });
});

describe('ADMIN_KEY', () => {
  it('is made, anew each time, where it is not set outside production', () => {
    const [one, other] = [settingsOf(minimal), settingsOf(minimal)];
    expect(one.adminKeyGenerated).toBe(true);
    expect(one.adminKey).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(other.adminKey).not.toBe(one.adminKey);
  });

  it('is required in production', () => {
    const { ADMIN_KEY: _, ...env } = production;
    expect(problemsOf(env)).toEqual([
      expect.stringMatching(/^ADMIN_KEY: expected to be set with NODE_ENV=production/),
    ]);
  });

  it('is taken from 32 characters on', () => {
    const key = randomBytes(16).toString('hex');
    expect(settingsOf({ ...minimal, ADMIN_KEY: ` ${key}\n` })).toMatchObject({
      adminKey: key,
      adminKeyGenerated: false,
    });
  });

  it.each([
    ['empty', ''],
    ['blank', ' '.repeat(40)],
    ['31 characters', 'k'.repeat(31)],
    ['31 characters and a blank', `${'k'.repeat(31)} `],
    ['with a blank inside', `${'k'.repeat(20)} ${'k'.repeat(20)}`],
    ['beyond ASCII', 'ü'.repeat(40)],
  ])('is refused %s, in production and outside', (_, key) => {
    for (const env of [minimal, production]) {
      expect(problemsOf({ ...env, ADMIN_KEY: key })).toEqual([
        'ADMIN_KEY: expected at least 32 characters, visible ASCII without spaces.',
      ]);
    }
  });

  it('is refused if it can be guessed, with the remedy', () => {
    for (const env of [minimal, production]) {
      expect(problemsOf({ ...env, ADMIN_KEY: 'changeme'.repeat(4) })).toEqual([
        expect.stringMatching(/^ADMIN_KEY: expected a key that nobody can guess: .*openssl rand -base64 32/),
      ]);
    }
  });
});

describe('ADMIN_KEY_PREVIOUS', () => {
  const previous = randomBytes(16).toString('hex');

  it('is taken beside ADMIN_KEY, with a warning', () => {
    expect(settingsOf(production).previousAdminKey).toBe(null);
    const env = { ...production, ADMIN_KEY_PREVIOUS: previous };
    expect(settingsOf(env).previousAdminKey).toBe(previous);
    expect(warningsOf(env)).toEqual([expect.stringMatching(/^ADMIN_KEY_PREVIOUS: /)]);
  });

  it.each([
    ['without ADMIN_KEY', { ...minimal, ADMIN_KEY_PREVIOUS: previous }],
    ['the same', { ...minimal, ADMIN_KEY: previous, ADMIN_KEY_PREVIOUS: previous }],
    ['short', { ...production, ADMIN_KEY_PREVIOUS: previous.slice(1) }],
    ['easy to guess', { ...production, ADMIN_KEY_PREVIOUS: 'k'.repeat(32) }],
  ])('is refused %s', (_, env) => {
    expect(problemsOf(env)).toEqual([expect.stringMatching(/^ADMIN_KEY_PREVIOUS: expected /)]);
  });
});

describe('the store', () => {
  it('is Redis at the first URL that is set', () => {
    const env = { ...minimal, REDIS_URL: 'redis://plain:6379', REDIS_TLS_URL: 'rediss://:pw@tls:6380' };
    expect(settingsOf(env).store).toEqual({
      kind: 'redis',
      url: 'rediss://:pw@tls:6380',
      verifyTls: false,
      prefix: 'tollgate:',
    });
    expect(settingsOf({ ...env, REDIS_TLS_URL: '' }).store).toMatchObject({ url: 'redis://plain:6379' });
    expect(warningsOf(env)).toEqual([]);
  });

  it.each([
    ['true', true],
    ['TRUE', true],
    ['false', false],
  ])('verifies certificates with REDIS_TLS_VERIFY=%s: %s', (text, verifyTls) => {
    expect(settingsOf({ ...production, REDIS_TLS_VERIFY: text }).store).toMatchObject({ verifyTls });
  });

  it('does not take an unclear REDIS_TLS_VERIFY for false', () => {
    expect(problemsOf({ ...production, REDIS_TLS_VERIFY: 'yes' })).toEqual([
      'REDIS_TLS_VERIFY: expected true or false.',
    ]);
  });

  it('takes a prefix of 1 to 64 visible characters', () => {
    const prefix = 'p'.repeat(64);
    expect(settingsOf({ ...production, REDIS_PREFIX: prefix }).store).toMatchObject({ prefix });
    for (const wrong of [`${prefix}p`, 'a b', 'ü:']) {
      expect(problemsOf({ ...production, REDIS_PREFIX: wrong })).toEqual([
        expect.stringMatching(/^REDIS_PREFIX: expected/),
      ]);
    }
  });

  it.each(['redis://127.0.0.1', 'redis://:pw@h:6379/0', 'rediss://u:pw@h:6380/', 'redis://[::1]:6379'])(
    'takes %s',
    (url) => {
      expect(settingsOf({ ...minimal, REDIS_URL: url }).store).toMatchObject({ kind: 'redis', url });
    },
  );

  it.each(['127.0.0.1:6379', 'http://h:6379', 'redis://', 'redis://h:99999', 'redis://h/name'])(
    'refuses %s, naming the variable that counts',
    (url) => {
      const problem = [expect.stringMatching(/^REDIS_URL: expected a redis:\/\/ or rediss:\/\/ URL/)];
      expect(problemsOf({ ...minimal, REDIS_URL: url })).toEqual(problem);
      expect(problemsOf({ ...minimal, REDIS_TLS_URL: url, REDIS_URL: 'redis://h' })).toEqual([
        expect.stringMatching(/^REDIS_TLS_URL: /),
      ]);
    },
  );

  it.each([
    ['?connectTimeout=5000', ['no option connectTimeout in the URL; leave it out']],
    ['/0?keyPrefix=canary', ['no option keyPrefix in the URL; set REDIS_PREFIX instead']],
    [
      '?db=5',
      ['no option db in the URL; put the database at the end of the path instead: redis://host:6379/1'],
    ],
    ['?ssl_cert_reqs=none', ['no option ssl_cert_reqs in the URL; set REDIS_TLS_VERIFY instead']],
    [
      '?family=6&family=4&lazyConnect',
      ['no option family in the URL; leave it out', 'no option lazyConnect in the URL; leave it out'],
    ],
    ['?__proto__=canary', ['nothing after a question mark in the URL; leave it out']],
    ['?constructor=x', ['no option constructor in the URL; leave it out']],
    ['?canary1', ['nothing after a question mark in the URL; leave it out']],
  ])('refuses the options of %s by name, with the remedy', (query, expected) => {
    for (const variable of ['REDIS_URL', 'REDIS_TLS_URL'])
      expect(problemsOf({ ...minimal, [variable]: `redis://:pw@h:6379${query}` })).toEqual(
        expected.map((what) => `${variable}: expected ${what}.`),
      );
  });

  it('is memory without a URL, with one worker, and both are said', () => {
    const env = { ...minimal, WEB_CONCURRENCY: '4' };
    expect(settingsOf(env)).toMatchObject({ store: { kind: 'memory' }, workers: 1 });
    expect(warningsOf(env)).toEqual([
      expect.stringMatching(/^REDIS_URL: not set/),
      expect.stringMatching(/^WEB_CONCURRENCY: one worker only/),
    ]);
    expect(warningsOf({ ...minimal, WEB_CONCURRENCY: '1' })).toEqual([expect.stringMatching(/^REDIS_URL: /)]);
    expect(settingsOf({ ...production, WEB_CONCURRENCY: '4' }).workers).toBe(4);
  });

  it('is memory in production only where STORE=memory says so', () => {
    const { REDIS_URL: _, ...env } = production;
    expect(problemsOf(env)).toEqual([
      expect.stringMatching(/^REDIS_URL: expected to be set with NODE_ENV=production/),
    ]);
    expect(settingsOf({ ...env, STORE: 'memory' }).store).toEqual({ kind: 'memory' });
    expect(warningsOf({ ...env, STORE: 'memory' })).toHaveLength(1);
    expect(problemsOf({ ...env, STORE: 'redis' })).toContain('STORE: expected memory.');
  });

  it('is Redis even where STORE=memory is left over, and that is said', () => {
    expect(settingsOf({ ...production, STORE: 'memory' }).store.kind).toBe('redis');
    expect(warningsOf({ ...production, STORE: 'memory' })).toEqual([
      'STORE: ignored, since REDIS_URL is set.',
    ]);
  });
});

describe('PUBLIC_URLS', () => {
  it('are addresses without a slash at the end', () => {
    const text = 'https://LLM.example, https://example.com:443/llm/,http://127.0.0.1:3000';
    expect(settingsOf({ ...minimal, PUBLIC_URLS: text }).publicUrls).toEqual([
      'https://llm.example',
      'https://example.com/llm',
      'http://127.0.0.1:3000',
    ]);
    expect(settingsOf(minimal).publicUrls).toEqual([]);
  });

  it.each([
    'llm.example',
    'ftp://llm.example',
    'https://a:b@llm.example',
    'https://llm.example?x',
    '*',
    'https://',
  ])('are not %j', (entry) => {
    expect(problemsOf({ ...minimal, PUBLIC_URLS: `https://ok.example,${entry}` })).toEqual([
      expect.stringMatching(/^PUBLIC_URLS: expected entry 2 to be an address of this gateway/),
    ]);
  });
});

describe('WEBHOOK_PRIVATE_HOSTS', () => {
  it('are hosts as URLs have them, with a port or without', () => {
    const text = 'Hooks.Internal, 10.1.2.3:8443 ,[::1],[0:0::1]:80,0x7f.1';
    expect(settingsOf({ ...minimal, WEBHOOK_PRIVATE_HOSTS: text }).webhookPrivateHosts).toEqual(
      new Set(['hooks.internal', '10.1.2.3:8443', '[::1]', '[::1]:80', '127.0.0.1']),
    );
    expect(settingsOf(minimal).webhookPrivateHosts).toEqual(new Set());
  });

  it.each([
    'https://hooks.internal',
    'hooks.internal/in',
    'a:b@hooks.internal',
    '*.internal',
    ':80',
    'a:b',
    '::1',
  ])('are not %j', (entry) => {
    expect(problemsOf({ ...minimal, WEBHOOK_PRIVATE_HOSTS: `ok.internal,${entry}` })).toEqual([
      expect.stringMatching(/^WEBHOOK_PRIVATE_HOSTS: expected entry 2 to be a host such as/),
    ]);
  });
});

describe('ALLOWED_ORIGINS', () => {
  it.each([
    ['https://app.example.com', ['https://app.example.com']],
    [' https://A.example.com , http://localhost:5173 ,', ['https://a.example.com', 'http://localhost:5173']],
    ['https://a.example.com:443', ['https://a.example.com']],
    ['http://[::1]:8080', ['http://[::1]:8080']],
    ['https://b.example,HTTPS://B.example', ['https://b.example']],
    ['chrome-extension://ABCDEF', ['chrome-extension://abcdef']],
  ])('reads %j', (text, origins) => {
    expect(settingsOf({ ...minimal, ALLOWED_ORIGINS: text }).allowedOrigins).toEqual(origins);
  });

  it.each([
    '*',
    'https://*.example.com',
    'https://app.example.com/',
    'https://app.example.com/path',
    'https://app.example.com?x',
    'https://app.example.com#x',
    'https://user@app.example.com',
    'https://app.example.com:99999',
    'app.example.com',
    'null',
    'https://',
  ])('refuses %s, by its place', (entry) => {
    expect(problemsOf({ ...minimal, ALLOWED_ORIGINS: `https://ok.example,${entry}` })).toEqual([
      expect.stringMatching(/^ALLOWED_ORIGINS: expected entry 2 to be an exact origin/),
    ]);
  });
});
