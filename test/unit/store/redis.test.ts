import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { type RedisOptions, RedisStore } from '../../../src/store/redis.ts';
import { loadScript, type Script } from '../../../src/store/script.ts';
import { storeCondition } from '../../../src/store/store-condition.ts';
import { StoreUnavailable } from '../../../src/store/store-unavailable.ts';
import { freePort } from '../../support/free-port.ts';
import { type RedisServer, startRedis } from '../../support/redis-server.ts';
import { waitFor } from '../../support/wait-for.ts';

let server: RedisServer;
let directory: string;
let echo: Script;
const opened: RedisStore[] = [];

beforeAll(async () => {
  server = await startRedis();
  directory = await mkdtemp(join(tmpdir(), 'tollgate-scripts-'));
  const file = join(directory, 'echo_back.lua');
  await writeFile(file, "#!lua\nreturn { KEYS[1], ARGV[1], redis.call('INCR', 'runs') }\n");
  echo = loadScript(pathToFileURL(file));
});

afterEach(() => {
  for (const store of opened.splice(0)) store.close();
});

afterAll(async () => {
  await server.stop();
  await rm(directory, { recursive: true, force: true });
});

function storeAt(url: string, more: Partial<RedisOptions> = {}): RedisStore {
  const store = new RedisStore({ url, verifyTls: false, commandTimeoutMs: 2_000, ...more });
  opened.push(store);
  store.connect();
  return store;
}

async function ready(more: Partial<RedisOptions> = {}): Promise<RedisStore> {
  const store = storeAt(server.url, more);
  await store.whenReady(5_000);
  return store;
}

describe('a script', () => {
  it('is known by its name and the SHA-1 that Redis gives it', async () => {
    expect(echo.name).toBe('echo_back');
    expect(await server.command('SCRIPT', 'LOAD', echo.source)).toBe(echo.sha);
  });

  it('runs on a server that has never seen it, and again once it has forgotten', async () => {
    const store = await ready();
    await server.flush();
    for (const runs of [1, 2]) {
      await server.command('SCRIPT', 'FLUSH');
      expect(await store.run(echo, ['k'], [7])).toEqual(['k', '7', runs]);
    }
  });

  it('runs once where it was unknown to many calls at once', async () => {
    const store = await ready();
    await server.flush();
    await server.command('SCRIPT', 'FLUSH');
    await Promise.all(Array.from({ length: 20 }, () => store.run(echo, ['k'], [7])));
    expect(await server.command('GET', 'runs')).toBe('20');
  });

  it('that fails is the store being unavailable', async () => {
    const store = await ready();
    const broken = { name: 'broken', source: 'return redis.call("NOPE")', sha: '0'.repeat(40) };
    await expect(store.run(broken, [], [])).rejects.toBeInstanceOf(StoreUnavailable);
  });

  it('is told of with its time, whether it succeeded or not', async () => {
    const onRun = vi.fn();
    const store = await ready({ timing: { clock: systemClock, onRun } });
    await store.run(echo, ['k'], [7]);
    const broken = { name: 'broken', source: 'return redis.call("NOPE")', sha: '0'.repeat(40) };
    await store.run(broken, [], []).catch(() => undefined);
    expect(onRun.mock.calls).toEqual([
      [{ operation: 'echo_back', durationMs: expect.any(Number), ok: true }],
      [{ operation: 'broken', durationMs: expect.any(Number), ok: false }],
    ]);
  });
});

describe('the connection', () => {
  it('fails at once while there is none, naming no credentials', async () => {
    const port = await freePort();
    // A wait for the command's timeout would outlast the test.
    const store = storeAt(`redis://user:canary-secret@127.0.0.1:${port}`, { commandTimeoutMs: 600_000 });
    expect(store.ready).toBe(false);
    const error: unknown = await store.attempt(() => store.client.ping()).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(StoreUnavailable);
    expect(String(error)).not.toContain('canary-secret');
    await expect(store.whenReady(50)).rejects.toBeInstanceOf(StoreUnavailable);
  });

  it('gives up on a command that is not answered in time', async () => {
    const store = await ready({ commandTimeoutMs: 100 });
    server.pause(); // it answers only once it is resumed, and that is after the refusal
    try {
      await expect(store.run(echo, ['k'], [7])).rejects.toBeInstanceOf(StoreUnavailable);
    } finally {
      server.resume();
    }
    await waitFor(() => store.attempt(() => store.client.ping()), { what: 'Redis to answer again' });
  });

  it('comes back by itself, saying once that it is gone and once that it is there', async () => {
    const own = await startRedis();
    const [onDown, onUp] = [vi.fn(), vi.fn()];
    try {
      const store = storeAt(own.url, { onDown, onUp });
      await store.whenReady(5_000);
      expect(onUp).not.toHaveBeenCalled();
      await own.kill();
      await waitFor(() => onDown.mock.calls.length > 0, { what: 'the loss to be told' });
      await expect(store.run(echo, ['k'], [7])).rejects.toBeInstanceOf(StoreUnavailable);
      await own.restart();
      await store.whenReady(10_000);
      expect(await store.run(echo, ['k'], [7])).toEqual(['k', '7', 1]);
      expect(onDown).toHaveBeenCalledTimes(1);
      expect(onUp).toHaveBeenCalledTimes(1);
    } finally {
      await own.stop();
    }
  });

  it('resends nothing after it has come back', async () => {
    const own = await startRedis({ persist: true });
    try {
      const store = storeAt(own.url, { commandTimeoutMs: 300 });
      await store.whenReady(5_000);
      expect(await store.run(echo, ['k'], [7])).toEqual(['k', '7', 1]);
      own.pause();
      const lost = store.run(echo, ['k'], [8]);
      await expect(lost).rejects.toBeInstanceOf(StoreUnavailable);
      await own.restart();
      await waitFor(() => store.ready, { what: 'the connection' });
      await waitFor(async () => (await store.run(echo, ['k'], [9])) !== null, { what: 'an answer' });
      expect(await own.command('GET', 'runs')).toBe('2');
    } finally {
      own.resume();
      await own.stop();
    }
  });
});

describe('a server with as many clients as it allows', () => {
  it('is named as such, once, until it takes clients again', async () => {
    const hog = await ready();
    await hog.client.config('SET', 'maxclients', '1');
    const refusals: string[] = [];
    const store = storeAt(server.url, { onRefusal: ({ message }) => void refusals.push(message) });
    await waitFor(() => store.problem !== null, { timeoutMs: 20_000, what: 'the reason' });
    expect(store.problem).toContain('maxclients');
    await hog.client.config('SET', 'maxclients', '10000');
    await store.whenReady(20_000);
    expect(store.problem).toBeNull();
    expect(refusals).toEqual([expect.stringContaining('maxclients')]);
  });
});

describe('a server that lacks commands', () => {
  it.each([
    ['INFO', ['INFO']],
    ['INFO, CONFIG, CLIENT and HELLO', ['INFO', 'CONFIG', 'CLIENT', 'HELLO']],
    ['PING too', ['INFO', 'CONFIG', 'CLIENT', 'HELLO', 'PING', 'COMMAND', 'MEMORY']],
  ])('is ready without %s, and says nothing of its memory', async (_what, commands) => {
    const poor = await startRedis({ lacks: commands });
    const [onDown, onRefusal] = [vi.fn(), vi.fn()];
    const store = storeAt(poor.url, { onDown, onRefusal });
    try {
      await store.whenReady(10_000);
      expect(await store.run(echo, ['k'], [7])).toEqual(['k', '7', 1]);
      expect(await store.memory()).toEqual({ usedBytes: 0, maxBytes: 0 });
      const unknown = { persists: null, evicts: null, policy: null };
      const known = { persists: false, evicts: false, policy: 'noeviction' };
      expect(await storeCondition(store)).toEqual(commands.includes('CONFIG') ? unknown : known);
      expect([onDown.mock.calls, onRefusal.mock.calls]).toEqual([[], []]);
    } finally {
      store.close();
      await poor.stop();
    }
  });

  it('or forbids them to its user, is ready too', async () => {
    await server.command(
      'ACL',
      'SETUSER',
      'poor',
      'on',
      '>pw',
      '~*',
      '+@all',
      '-info',
      '-config',
      '-client',
      '-ping',
    );
    const store = storeAt(server.url.replace('redis://', 'redis://poor:pw@'));
    await store.whenReady(10_000);
    expect(await store.memory()).toEqual({ usedBytes: 0, maxBytes: 0 });
  });

  it('is not ready with a password that is wrong or missing, and says so', async () => {
    const locked = await startRedis();
    await locked.command('CONFIG', 'SET', 'requirepass', 'right');
    try {
      for (const [url, said] of [
        [locked.url, /NOAUTH/],
        [locked.url.replace('redis://', 'redis://:wrong@'), /WRONGPASS/],
      ] as const) {
        const onDown = vi.fn();
        const store = storeAt(url, { onDown });
        await waitFor(() => onDown.mock.calls.length > 0, { what: 'a report' });
        expect(String(onDown.mock.calls[0]?.[0])).toMatch(said);
        expect(store.ready).toBe(false);
        store.close();
      }
    } finally {
      await locked.stop();
    }
  });

  it('is not ready while it loads its data', async () => {
    const loading = await startRedis({ persist: true, args: ['--key-load-delay', '2000'] });
    try {
      for (let n = 0; n < 300; n += 1) await loading.command('SET', `k${n}`, 'x');
      const store = storeAt(loading.url, { commandTimeoutMs: 5_000 });
      await store.whenReady(10_000);
      const found: Promise<string | null>[] = [];
      store.onReady(() => found.push(store.attempt((client) => client.get('k299'))));
      await loading.restart();
      await waitFor(() => found.length > 0, { what: 'the store' });
      expect(await Promise.all(found)).toEqual(['x']);
      expect(store.ready).toBe(true);
    } finally {
      await loading.stop();
    }
  });
});

describe('a database that the server lacks', () => {
  it('is told, and nothing runs on another one in its place', async () => {
    const [onDown, onRefusal] = [vi.fn(), vi.fn()];
    const store = storeAt(`${server.url}/99`, { onDown, onRefusal });
    await waitFor(() => onRefusal.mock.calls.length > 0, { what: 'the refusal' });
    const [[refused] = []] = onRefusal.mock.calls as Error[][];
    expect(refused?.message).toMatch(/REDIS_URL .* is refused: .*index is out of range/);
    expect(onDown.mock.calls).toEqual([[refused]]);
    await expect(store.whenReady(1_500)).rejects.toBeInstanceOf(StoreUnavailable); // several tries on
    await expect(store.attempt(() => store.client.ping())).rejects.toBeInstanceOf(StoreUnavailable);
    expect(onRefusal).toHaveBeenCalledTimes(1);
  });

  it('that it has is used', async () => {
    const store = storeAt(`${server.url}/3`);
    await store.whenReady(5_000);
    await store.client.set('in-three', '1');
    expect(await server.command('EXISTS', 'in-three')).toBe(0);
  });
});

it('waits no longer once it is closed', async () => {
  const store = storeAt(`redis://127.0.0.1:${await freePort()}`);
  const waiting = expect(store.whenReady(60_000)).rejects.toBeInstanceOf(StoreUnavailable);
  store.close();
  await waiting;
});

/** A connection to the server that can fall silent, as one does whose other end is gone without a word. */
async function silentLine(): Promise<{ url: string; silence(): void; connections(): number; close(): void }> {
  const sockets: Socket[] = [];
  const silent = new Set<Socket>();
  const line = createServer((socket) => {
    const upstream = connect(Number(new URL(server.url).port), '127.0.0.1');
    sockets.push(socket, upstream);
    socket.on('data', (data) => !silent.has(socket) && upstream.write(data));
    upstream.on('data', (data) => !silent.has(socket) && socket.write(data));
    for (const each of [socket, upstream]) each.on('error', () => undefined);
  });
  const port = await freePort();
  await new Promise<void>((resolve) => line.listen(port, '127.0.0.1', resolve));
  return {
    url: `redis://127.0.0.1:${port}`,
    silence: () => {
      for (const socket of sockets) silent.add(socket);
    },
    connections: () => sockets.length / 2,
    close: () => {
      line.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

describe('a connection that falls silent', () => {
  it('is taken for dead, which is told, and replaced', async () => {
    const line = await silentLine();
    const told: string[] = [];
    const onDown = (error: Error): void => void told.push(error.message);
    const store = storeAt(line.url, { commandTimeoutMs: 1_000, silenceMs: 2_000, onDown });
    await store.whenReady(5_000);
    expect(await store.run(echo, ['k'], [7])).toContain('7');
    line.silence();
    await expect(store.run(echo, ['k'], [7])).rejects.toThrow(StoreUnavailable);
    await waitFor(() => store.run(echo, ['k'], [7]).catch(() => null), { what: 'the store to be back' });
    expect(told).toContain('The store has been silent for 2 s.');
    expect(line.connections()).toBeGreaterThan(1);
    line.close();
  });
});
