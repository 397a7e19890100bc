import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/* The package as npm would publish it, installed in a project of its own. */

const run = promisify(execFile);
const source = new URL('../../../client/', import.meta.url).pathname;
let project: string;
let files: string[];

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'tollgate-client-'));
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', project], { cwd: source });
  const [packed] = JSON.parse(stdout) as { filename: string; files: { path: string }[] }[];
  files = packed?.files.map(({ path }) => path) ?? [];
  const installed = join(project, 'node_modules/@tollgate/client');
  await mkdir(installed, { recursive: true });
  await run('tar', ['-xzf', join(project, packed?.filename ?? ''), '--strip-components=1', '-C', installed]);
  await writeFile(join(project, 'package.json'), '{ "type": "module" }');
});
afterAll(() => rm(project, { recursive: true }));

const textOf = (name: string): Promise<string> => readFile(join(source, name), 'utf8');
const scripts = async (): Promise<string[]> => (await readdir(source)).filter((name) => name.endsWith('.js'));

describe('the package', () => {
  it('has its scripts, its types, its licence and its README, and nothing else', async () => {
    const others = ['LICENSE', 'README.md', 'index.d.ts', 'package.json'];
    expect(files.toSorted()).toEqual([...others, ...(await scripts())].toSorted());
    expect(await textOf('LICENSE')).toBe(await textOf('../LICENSE'));
  });

  it('depends on nothing, and imports nothing but its own files', async () => {
    const manifest = JSON.parse(await textOf('package.json')) as Record<string, unknown>;
    expect(Object.keys(manifest).filter((key) => /dependencies/i.test(key))).toEqual([]);
    const imported = (await Promise.all((await scripts()).map(textOf))).flatMap((code) =>
      [...code.replaceAll(/\/\*[^]*?\*\//g, '').matchAll(/\b(?:import|from)\b\s*\(?\s*['"]([^'"]+)/g)].map(
        ([, name]) => name,
      ),
    );
    expect(imported.length).toBeGreaterThan(0);
    for (const name of imported) expect(files).toContain(name?.replace(/^\.\//, ''));
  });

  it('is as small as its README says', async () => {
    const stated = Number(/(\d+) kB gzipped/.exec(await textOf('README.md'))?.[1]);
    const texts = await Promise.all((await scripts()).map(textOf));
    const sizes = texts.map((text) => gzipSync(text, { level: 9 }).length);
    expect(Math.round(sizes.reduce((sum, size) => sum + size, 0) / 1_000)).toBe(stated);
  });

  it('is imported by its name', async () => {
    const code = `import * as all from '@tollgate/client'; console.log(Object.keys(all).sort().join(' '))`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', code], { cwd: project });
    expect(stdout.trim().split(' ')).toEqual([
      'BrokenAnswerError',
      'NetworkError',
      'RateLimitError',
      'RefusedError',
      'SessionError',
      'TollgateError',
      'createTollgate',
    ]);
  });

  it.each([
    ['Node', ['--module', 'nodenext', '--types', 'node']],
    [
      'bundlers',
      ['--module', 'esnext', '--moduleResolution', 'bundler', '--lib', 'es2022,dom', '--types', ''],
    ],
  ])('has types that hold in strict code for %s', async (_name, options) => {
    await writeFile(join(project, 'page.ts'), page);
    const tsc = new URL('../../../node_modules/.bin/tsc', import.meta.url).pathname;
    const typeRoots = new URL('../../../node_modules/@types', import.meta.url).pathname;
    const args = [
      '--noEmit',
      '--strict',
      '--target',
      'es2022',
      '--typeRoots',
      typeRoots,
      ...options,
      'page.ts',
    ];
    const { stdout } = await run(tsc, args, { cwd: project }).catch((error: { stdout: string }) => error);
    expect(stdout).toBe('');
  });
});

const page = `
import { BrokenAnswerError, createTollgate, RateLimitError, type Tollgate } from '@tollgate/client';

const tollgate: Tollgate = createTollgate({
  url: new URL('https://gateway.example.com'),
  getSession: () => fetch('/session', { method: 'POST' }),
});
createTollgate({ url: '', getSession: async () => ({ token: 'tgs_', expires_in: 60 }), maxTries: 1 });
createTollgate({ url: '', getSession: async () => ({ access_token: 'tgs_', expires_in: 60 }) });
// @ts-expect-error a session has a token
createTollgate({ url: '', getSession: async () => ({ expires_in: 60 }) });
// @ts-expect-error it is needed
createTollgate({ url: '' });

interface Chunk { choices: { delta: { content?: string } }[] }
const fetchLike: typeof fetch = tollgate;
const plain: Response = await fetchLike('/v1/models');
const answer = await tollgate.ask('/v1/chat/completions', { messages: [] }, { signal: AbortSignal.timeout(1) });
for await (const { text, name, data } of answer.events<Chunk>()) {
  const words: string = text + name + data.choices[0]?.delta.content;
  // @ts-expect-error events are not to be changed
  if (words) text = '';
}
for await (const { data } of answer.events()) {
  // @ts-expect-error what is not said is unknown
  data.choices;
}
const all: string = await answer.text();
const { id } = await answer.json<{ id: string }>();
const status: number = answer.response.status;
const done: void = await tollgate.end();
console.log(plain, all, id, status, done);

declare const error: unknown;
if (error instanceof RateLimitError) {
  const ms: number | null = error.retryAfterMs;
  const max: number | undefined = error.limit?.max;
  const told: string = error.code + error.message + error.status;
  // @ts-expect-error no such thing
  console.log(ms, max, told, error.text);
}
if (error instanceof BrokenAnswerError) {
  const came: string = error.text;
  // @ts-expect-error it was not refused
  console.log(came, error.status);
}
`;
