import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compiledAhead, launch, spawnGateway } from '../../support/spawn-gateway.ts';

/* `npm run build` compiles the sources. Then no process loads amaro, which takes 25 MB: it strips types. */

const root = new URL('../../../', import.meta.url);
const printsLoaded = `data:text/javascript,process.on('exit', () => console.error(process.moduleLoadList.join()))`;
const amaro = 'internal/deps/amaro';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tollgate-compiled-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('sources that are compiled ahead', () => {
  it('need nothing that strips types: with all that a gateway may load, and on the command line', async () => {
    const env = { ...compiledAhead, NODE_COMPILE_CACHE: folder };
    const nodeArgs = [`--import=${printsLoaded}`];
    const build = launch({ entry: 'scripts/compile-ahead.ts', env });
    expect([(await build.exited).code, build.stderr()]).toEqual([0, '']);

    const help = { entry: 'src/cli/main.ts', args: ['--help'], nodeArgs };
    const uncompiled = launch({ ...help, env: { ...env, NODE_COMPILE_CACHE: join(folder, 'empty') } });
    const command = launch({ ...help, env });
    await Promise.all([uncompiled.exited, command.exited]);
    expect(uncompiled.stderr()).toContain(amaro);
    const gateway = await spawnGateway({
      nodeArgs,
      env: {
        ...env,
        STORE: 'memory',
        INFERENCE_URL: 'http://127.0.0.1:1',
        INFERENCE_KEY: 'inf-none',
        OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1',
      },
    });
    await gateway.stop();
    for (const program of [command, gateway]) {
      expect(program.stderr()).toContain('internal/modules');
      expect(program.stderr()).not.toContain(amaro);
    }
  });

  it('are looked for in one folder, by Heroku and by each script that starts a program of the gateway', async () => {
    const procfile = await readFile(new URL('Procfile', root), 'utf8');
    const { scripts } = JSON.parse(await readFile(new URL('package.json', root), 'utf8')) as {
      scripts: Record<string, string>;
    };
    const [, settings = ''] = /^web: ((?:[A-Z_]+=\S+ )+)exec node src\/main\.ts$/m.exec(procfile) ?? [];
    expect(settings).toBe(
      'NODE_COMPILE_CACHE=node_modules/.cache/node-compile NODE_COMPILE_CACHE_PORTABLE=1 ',
    );
    const starting = Object.values(scripts).filter((script) => /node src\/|compile-ahead/.test(script));
    expect(starting.length).toBeGreaterThan(4);
    for (const script of starting) expect(script.startsWith(settings)).toBe(true);
  });
});
