import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { adminRoutes } from '../../../src/admin/admin-app.ts';
import { CommandFailed, exitCodes } from '../../../src/cli/command-failed.ts';
import { programFor } from '../../../src/cli/run.ts';
import { exampleDocument, tollgate } from '../../support/command-line.ts';
import { startGateway, type TestGateway } from '../../support/gateway.ts';
import { sharedRedis, type SharedRedis } from '../../support/redis-server.ts';
import { Harness } from '../admin/harness.ts';

const root = new URL('../../../', import.meta.url).pathname;
const nobody = { out: () => {}, err: () => {} };
const commands = namesOf(
  programFor(() => Promise.reject(new Error('Nobody is to be asked.')), nobody),
  '',
);

/** Every command there is: `''` for the program itself, `team`, `team create`, … */
function namesOf(command: Command, path: string): string[] {
  const below = command.commands.map((inner) => namesOf(inner, `${path} ${inner.name()}`.trim()));
  return [path, ...below.flat()];
}

async function helpOf(command: string): Promise<string> {
  const { code, out, err } = await tollgate(`${command} --help`.trim(), {});
  expect([code, err]).toEqual([0, '']);
  return out;
}

/**
 * Limits are raised on a team, a user and a token by the same command; webhooks are of a team, or of the gateway.
 */
function ofEachRecord(example: string): string[] {
  if (example.startsWith('webhook ')) return [example, `${example} --team acme`];
  if (!/^limits (?:raise|withdraw) /.test(example)) return [example];
  return [example, `${example} --user ana`, `${example} --token tok_4fJ2mQ9sXbVe`];
}

/** The command lines at the end of a help. */
function examplesIn(help: string): string[] {
  const [, tail = ''] = help.split(/^(?=Example)/m);
  return [...tail.matchAll(/(?:npm run tollgate --|tollgate) (.+)$/gm)].map(([, line = '']) => line);
}

let redis: SharedRedis;
let gateway: TestGateway;
let directory: string;

beforeAll(async () => {
  redis = await sharedRedis();
  gateway = await startGateway({ redis });
  directory = await mkdtemp(join(tmpdir(), 'tollgate-examples-'));
  process.chdir(directory);
});

afterAll(async () => {
  process.chdir(root);
  await gateway.close();
  await rm(directory, { recursive: true, force: true });
});

beforeEach(async () => {
  await redis.flush();
  await writeFile('users.csv', 'user,name,email\nana,Ana,ana@example.com\n');
  await writeFile('identities.json', JSON.stringify(exampleDocument()));
  expect(await tollgate('import identities.json', environment())).toMatchObject({ code: 0 });
  const { body } = await gateway.admin('GET', '/admin/audit?limit=1');
  const [{ sequence, hash }] = body['data'] as [{ sequence: number; hash: string }];
  const head = { level: 'info', time: Date.now(), pid: 7, sequence, hash, msg: 'audit head' };
  await writeFile('gateway.log', JSON.stringify(head));
});

function environment(): NodeJS.ProcessEnv {
  return { TOLLGATE_URL: gateway.url, ADMIN_KEY: gateway.adminKey };
}

describe('the help of a command', () => {
  it.each(commands)('ends with an example that works: "%s"', async (command) => {
    const help = await helpOf(command);
    const examples = examplesIn(help);
    expect(examples).not.toEqual([]);
    expect(help.trimEnd().endsWith(examples.at(-1) ?? '?')).toBe(true);
    for (const example of examples) {
      if (commands.filter((name) => name.startsWith(`${command} `)).length === 0) {
        expect(example.startsWith(command)).toBe(true);
      }
      const needsRecords = /^ledger verify|--erase/.test(example);
      const result = await tollgate(example, environment());
      // The doctor looks where a gateway is configured, which is not here; and nobody takes the test.
      const failing = example === 'doctor' ? exitCodes.misused : exitCodes.failed;
      const expected = /^doctor$|^webhook test/.test(example) ? failing : exitCodes.done;
      expect(result).toMatchObject({ code: needsRecords ? exitCodes.failed : expected });
      if (needsRecords) expect(result.err).toContain('set DATABASE_URL');
    }
    for (const line of help.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
  });

  it('tells the exit codes', async () => {
    expect(await helpOf('')).toMatch(/^Exit codes: 0 done; 1 .*; 2 .*,\n.*; 3 /m);
  });
});

describe('the commands of README.md and docs', () => {
  it.each([
    'README.md',
    'docs/audit.md',
    'docs/backup.md',
    'docs/roles.md',
    'docs/rotation.md',
    'docs/usage.md',
    'docs/command-line.md',
  ])('work as written in %s', async (file) => {
    const text = await readFile(join(root, file), 'utf8');
    const lines = [...text.matchAll(/^(?:TOLLGATE_URL=.*)?npm run (?:-s )?tollgate -- ([^>|#\n]+)/gm)];
    expect(lines).not.toEqual([]);
    for (const [, line = ''] of lines) {
      const asked = line.trim().replace('tok_…', 'tok_4fJ2mQ9sXbVe').replace('adm_…', 'adm_8sKw3TzPq1Ln');
      // Making what there is already is refused; that it was understood is what is asked here.
      const { code, err } = await tollgate(asked, environment());
      expect(code === 0 || (code === 1 && err.includes('(already_exists)')), `${asked}: ${err}`).toBe(true);
      await tollgate('import identities.json --overwrite --yes', environment());
    }
  });
});

describe('the command line', () => {
  it('has a command for every operation of the admin API', async () => {
    const called = new Set<string>();
    const routes = adminRoutes(new Harness().deps());
    const program = programFor(async (path, { method = 'GET' }) => {
      const { pathname } = new URL(path, 'http://gateway.invalid');
      const route = routes.find((each) => patternOf(each.path).test(pathname));
      called.add(`${method} ${route?.path ?? pathname}`);
      return Response.json({ data: [], limits: [{ id: 'day', metric: 'tokens', window: 'day', max: 5 }] });
    }, nobody);
    for (const command of commands) {
      if (command === 'help') continue;
      for (const example of examplesIn(await helpOf(command)).flatMap(ofEachRecord)) {
        // An empty answer may be a failure to a command; what it asked for is what counts here.
        const done = programOf(program).parseAsync(example.split(' '), { from: 'user' });
        await done.catch((error: unknown) => expect(error).toBeInstanceOf(CommandFailed));
      }
    }
    const operations = routes.flatMap(({ path, methods }) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    );
    // The console adds one. Another is the gateway's check of itself; `audit verify` checks the entries from outside.
    const all = [...operations, 'POST /admin/console-links'].filter(
      (operation) => operation !== 'GET /admin/audit/verify',
    );
    expect([...called].toSorted()).toEqual(all.toSorted());
  });
});

function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll(/:\w+(?:\{[^}]*\})?/g, '[^/]+')}$`);
}

/** Options given to one line would stay for the next. */
function programOf(program: Command): Command {
  program.commands.forEach(programOf);
  for (const option of program.options) program.setOptionValue(option.attributeName(), undefined);
  return program;
}
