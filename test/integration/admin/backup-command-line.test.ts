import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as allOf } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { run } from '../../../src/cli/run.ts';
import { documentOf, tokenRow } from '../../support/documents.ts';
import { startGateway, type TestGateway } from '../../support/gateway.ts';
import { sharedRedis, type SharedRedis } from '../../support/redis-server.ts';
import { compiledAhead } from '../../support/spawn-gateway.ts';

let redis: SharedRedis;
let gateway: TestGateway;
let directory: string;
let environments: Record<'over HTTP' | 'on Redis', NodeJS.ProcessEnv>;

beforeAll(async () => {
  redis = await sharedRedis();
  gateway = await startGateway({ redis, adminKey: randomBytes(24).toString('hex') });
  directory = await mkdtemp(join(tmpdir(), 'tollgate-export-'));
  environments = {
    'over HTTP': { TOLLGATE_URL: gateway.url, ADMIN_KEY: gateway.adminKey },
    'on Redis': { REDIS_URL: redis.url },
  };
});

afterAll(async () => {
  await gateway.close();
  await rm(directory, { recursive: true, force: true });
});

beforeEach(() => redis.flush());

interface Result {
  code: number;
  out: string;
  err: string;
}

async function tollgate(args: string[], env: NodeJS.ProcessEnv, answer?: string): Promise<Result> {
  const written = { out: [] as string[], err: [] as string[] };
  const code = await run(args, env, {
    out: (text) => written.out.push(text),
    err: (text) => written.err.push(text),
    ...(answer === undefined ? {} : { ask: () => Promise.resolve(answer) }),
  });
  return { code, out: written.out.join('\n'), err: written.err.join('\n') };
}

describe.each(['over HTTP', 'on Redis'] as const)('tollgate export and import, %s', (way) => {
  const command = (...args: string[]): Promise<Result> => tollgate(args, environments[way]);
  const fileOf = async (document: object): Promise<string> => {
    const file = join(directory, `${randomBytes(4).toString('hex')}.json`);
    await writeFile(file, JSON.stringify(document));
    return file;
  };

  it('bring an emptied store back, and twice is as once', async () => {
    await command('team', 'create', 'acme', '--limit', 'tokens/day=5');
    await command('user', 'create', 'acme', 'ana');
    const { token } = JSON.parse((await command('token', 'issue', 'acme', 'ana', '--json')).out) as {
      token: string;
    };
    const file = join(directory, 'out.json');
    const exported = await command('export', '--file', file);
    expect(exported).toMatchObject({ code: 0, err: '' });
    expect(exported.out).toMatch(/^teams +1\nusers +1\ntokens +1$/m);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readFile(file, 'utf8')).not.toContain(token);

    await redis.flush();
    const report = await command('import', file);
    expect(report).toMatchObject({ code: 0, err: '' });
    expect(report.out).toBe('created      3\nunchanged    0\nkept         0\noverwritten  0\nrevoked      0');
    expect(JSON.parse((await command('import', file, '--json')).out)).toEqual({
      created: 0,
      unchanged: 3,
      kept: 0,
      overwritten: 0,
      revoked: 0,
    });
    const me = await fetch(`${gateway.url}/v1/me`, { headers: { authorization: `Bearer ${token}` } });
    expect(me.status).toBe(200);
  });

  it('print the document, a row a line, where no file is named', async () => {
    await command('import', await fileOf(documentOf({ tokens: [tokenRow('tok_1'), tokenRow('tok_2')] })));
    const { code, out } = await command('export', '--team', 'acme');
    expect(code).toBe(0);
    expect(out.split('\n').filter((line) => line.startsWith('{"id":"tok_'))).toHaveLength(2);
    expect(JSON.parse(out)).toMatchObject({ tollgate_export: 1, teams: [{ id: 'acme' }] });
    expect(await command('export', '--team', 'gone')).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^There is no team gone\. \(not_found\)\n/) as string,
    });
  });

  it('overwrite only after a yes', async () => {
    const file = await fileOf(documentOf());
    await command('import', file);
    await command('team', 'set', 'acme', '--name', 'Changed');
    const overwrite = (answer?: string): Promise<Result> =>
      tollgate(['import', file, '--overwrite'], environments[way], answer);
    expect(await overwrite()).toMatchObject({ code: 2, err: expect.stringContaining('add --yes') as string });
    expect(await overwrite('no')).toMatchObject({ code: 1, out: '', err: 'Nothing was changed.' });
    expect((await command('team', 'show', 'acme')).out).toContain('Changed');
    expect((await overwrite('yes')).out).toMatch(/^overwritten +1$/m);
    await command('team', 'set', 'acme', '--name', 'Changed');
    expect((await command('import', file, '--overwrite', '--yes')).out).toMatch(/^overwritten +1$/m);
  });

  it('tell every problem of a file on stderr, and change nothing', async () => {
    const file = await fileOf(
      documentOf({ tokens: [tokenRow('tok 1'), tokenRow('tok_2', { user: 'bob' })] }),
    );
    const { code, out, err } = await command('import', file);
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(/^tokens\.0\.id must be .*\ntokens\.1\.user names a user/);
    expect((await command('team', 'list')).out).toBe('None.');
  });
});

describe('tollgate import', () => {
  it.each([
    ['nowhere.json', /^nowhere\.json cannot be read \(ENOENT\)\.$/],
    ['package.json', /tollgate_export must be 1/],
    ['README.md', /^README\.md is not a JSON object/],
  ])('exits with 1 for %s', async (file, message) => {
    const result = await tollgate(['import', file], environments['on Redis']);
    expect([result.code, result.out]).toEqual([1, '']);
    expect(result.err).toMatch(message);
  });

  it('takes a byte order mark, and says what another encoding must be', async () => {
    const file = join(directory, 'encoded.json');
    const outcome = async (bytes: Uint8Array): Promise<string> => {
      await writeFile(file, bytes);
      return (await tollgate(['import', file], environments['on Redis'])).err;
    };
    const text = '{"tollgate_export":2}';
    expect(await outcome(Buffer.from(`\uFEFF${text}`))).toMatch(/tollgate_export must be 1/);
    expect(await outcome(Buffer.from(`\uFEFF${text}`, 'utf16le'))).toMatch(/must be UTF-8, but is UTF-16/);
    expect(await outcome(Buffer.from('{"caf\u00e9":1}', 'latin1'))).toMatch(/encoded\.json must be UTF-8\./);
  });

  it.each([[['import']], [['import', 'a', 'b']], [['export', 'a']], [['export', '--overwrite']]])(
    'exits with 2 for %j, without asking anybody',
    async (args) => {
      expect(await tollgate(args, {})).toMatchObject({ code: 2, out: '' });
    },
  );

  it('reads standard input, also where it is slow to come', async () => {
    const program = new URL('../../../src/cli/main.ts', import.meta.url).pathname;
    const child = spawn(process.execPath, [program, 'import', '-', '--json'], {
      env: { PATH: process.env['PATH'], ...compiledAhead, ...environments['on Redis'] },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    // More than a pipe holds: once all of it is written, the command is reading, and then waits for the rest.
    await new Promise((resolve) => child.stdin.write(' '.repeat(1_000_000), resolve));
    child.stdin.end(JSON.stringify(documentOf()));
    expect(JSON.parse(await allOf(child.stdout))).toMatchObject({ created: 3 });
  });

  it('calls standard input by its name', async () => {
    const program = new URL('../../../src/cli/main.ts', import.meta.url).pathname;
    const child = spawn(process.execPath, [program, 'import', '-'], {
      env: { PATH: process.env['PATH'], ...compiledAhead, ...environments['on Redis'] },
      stdio: ['pipe', 'inherit', 'pipe'],
    });
    child.stdin.end('{');
    expect(await allOf(child.stderr)).toMatch(/^Standard input is not a JSON object/);
  });

  it('tells where a document cannot be written', async () => {
    const result = await tollgate(
      ['export', '--file', join(directory, 'no', 'such')],
      environments['on Redis'],
    );
    expect(result).toMatchObject({
      code: 1,
      err: expect.stringMatching(/cannot be written \(ENOENT\)/) as string,
    });
  });
});
