import { afterAll, describe, expect, it } from 'vitest';
import { connectRaw } from '../../support/http.ts';
import { spawnGateway, type SpawnedGateway } from '../../support/spawn-gateway.ts';
import { waitFor, within } from '../../support/wait-for.ts';
import { withoutDyno } from '../../support/series.ts';

const running: SpawnedGateway[] = [];

async function start(env: Record<string, string> = {}): Promise<SpawnedGateway> {
  const gateway = await spawnGateway({ entry: 'test/support/fixtures/lifecycle-server.ts', env });
  running.push(gateway);
  return gateway;
}

// Each test has processes of its own, so they run at once; most of their time is spent waiting.
afterAll(async () => {
  for (const gateway of running) await gateway.stop('SIGKILL');
});

describe.concurrent('a process that is told to stop', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('%s: ends with 0 and its log is whole', async (signal) => {
    const gateway = await start();
    expect(await gateway.stop(signal)).toEqual({ code: 0, signal: null });
    const lines = gateway
      .stdout()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { msg: string });
    expect(lines.map((line) => line.msg)).toEqual(['shutting down', 'settled', 'shut down']);
  });

  it('lets a running request end in spite of several signals', async () => {
    const gateway = await start();
    const answer = await fetch(`${gateway.url}/slow`);
    const connection = await connectRaw(gateway.port);
    connection.send('GET /late HTTP/1.1\r\nhost: a\r\n\r\n');
    await waitFor(() => gateway.stdout().includes('asked'), { what: 'the request to arrive' });
    for (let sent = 0; sent < 3; sent++) gateway.kill('SIGTERM');
    expect(await answer.text()).toBe('slow but whole');
    await connection.until('late but whole');
    expect(connection.text()).toMatch(/connection: close/i);
    expect(await within(gateway.exited, 30_000)).toEqual({ code: 0, signal: null });
  });

  it('accepts no connection while the last requests run', async () => {
    const gateway = await start();
    const connection = await connectRaw(gateway.port);
    connection.send('GET /slow HTTP/1.1\r\nhost: a\r\n\r\n');
    await connection.until('slow but');
    gateway.kill('SIGTERM');
    await waitFor(() => refuses(gateway.port), {
      what: 'the port to close',
    });
    await expect(connectRaw(gateway.port)).rejects.toThrow('ECONNREFUSED');
    await connection.until('whole');
  });

  it('ends streams after the grace, not before', async () => {
    const gateway = await start({ GRACE_MS: '400' });
    const connection = await connectRaw(gateway.port);
    connection.send('GET /stream HTTP/1.1\r\nhost: a\r\n\r\n');
    await connection.until('begun');
    const signalledAt = performance.now();
    gateway.kill('SIGTERM');
    await connection.until('ended');
    expect(performance.now() - signalledAt).toBeGreaterThan(350);
    expect(await within(gateway.exited, 30_000)).toEqual({ code: 0, signal: null });
  });
});

describe.concurrent('a process that goes wrong', () => {
  it.each([
    ['/throw', 'uncaught exception'],
    ['/reject', 'unhandled rejection'],
  ])('%s: logs it, without secrets, and exits 1', async (path, message) => {
    const gateway = await start();
    await expect(fetch(`${gateway.url}${path}`)).rejects.toThrow('fetch failed');
    expect(await within(gateway.exited, 30_000)).toEqual({ code: 1, signal: null });
    expect(gateway.stdout()).toContain(message);
    expect(gateway.stdout() + gateway.stderr()).not.toContain('tgk_Canary');
  });
});

describe.concurrent('workers', () => {
  /** On a connection of its own. A connection just handed to a worker that is killed stays silent: not for long. */
  const ask = async (gateway: SpawnedGateway, path: string, timeoutMs = 3_000): Promise<string> => {
    const init = { headers: { connection: 'close' }, signal: AbortSignal.timeout(timeoutMs) };
    return (await fetch(`${gateway.url}${path}`, init)).text();
  };
  const pids = async (gateway: SpawnedGateway): Promise<Set<string>> =>
    new Set(await Promise.all(Array.from({ length: 8 }, () => ask(gateway, '/pid', 1_000))));

  it('share the load, and one that dies is replaced', async () => {
    const gateway = await start({ WORKERS: '2' });
    const before = await waitFor(async () => (await pids(gateway)).size === 2 && pids(gateway), {
      what: 'two workers',
    });
    const [victim = ''] = before;
    process.kill(Number(victim), 'SIGKILL');
    await waitFor(
      async () => {
        const now = await pids(gateway);
        return now.size === 2 && !now.has(victim);
      },
      { timeoutMs: 60_000, what: 'a new worker' },
    );
    expect(gateway.stdout()).toContain('worker died');
  });

  it('end with their primary on SIGTERM, running requests first', async () => {
    const gateway = await start({ WORKERS: '2' });
    const answers = await Promise.all([1, 2, 3, 4].map(() => fetch(`${gateway.url}/slow`))); // all have begun
    expect(await gateway.stop('SIGTERM')).toEqual({ code: 0, signal: null });
    const texts = await Promise.all(answers.map((answer) => answer.text()));
    expect(new Set(texts)).toEqual(new Set(['slow but whole']));
    expect(gateway.stdout()).not.toContain('worker died');
  });

  it('end, running requests first, when their primary is killed', async () => {
    const gateway = await start({ WORKERS: '1' });
    const connection = await connectRaw(gateway.port);
    connection.send('GET /slow HTTP/1.1\r\nhost: a\r\n\r\n');
    await connection.until('slow but'); // the worker has it
    gateway.kill('SIGKILL');
    await connection.until('whole');
    await within(gateway.exited, 30_000, 'the worker to end'); // it holds the same pipes
    expect(gateway.stdout()).toContain('shut down');
  });

  it('that die before they listen make the primary give up with 1', async () => {
    await expect(start({ WORKERS: '2', DIE_AT_START: '1' })).rejects.toThrow(
      /ended with code 1[^]*giving up/,
    );
  });

  it('answer /metrics for all of them, also for one that stands still', async () => {
    const gateway = await start({ WORKERS: '2' });
    const counted = (text: string): number =>
      Number(/^tollgate_refusals_total\{code="not_found"\} (\d+)$/m.exec(withoutDyno(text))?.[1]);
    await waitFor(async () => (await pids(gateway)).size === 2, { what: 'two workers' });

    const counters = await Promise.all(Array.from({ length: 10 }, () => ask(gateway, '/count')));
    expect(new Set(counters).size).toBe(2);
    expect(counted(await ask(gateway, '/metrics'))).toBe(10);
    expect(await ask(gateway, '/metrics')).toMatch(/^tollgate_build_info\{.*\} 1$/m);

    const blocked = Number(await ask(gateway, '/block'));
    // What it counted does not go away with it. The first to be asked may be the one that stands still.
    const told = async (): Promise<number> => counted(await ask(gateway, '/metrics'));
    expect(await waitFor(told, { what: 'metrics of the other worker' })).toBe(10);
    process.kill(blocked, 'SIGKILL');
    expect(await waitFor(told, { what: 'metrics after its death' })).toBe(10);
  });
});

async function refuses(port: number): Promise<boolean> {
  const connected = await connectRaw(port).catch(() => null);
  connected?.destroy();
  return connected === null;
}
