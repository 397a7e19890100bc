import { describe, expect, it } from 'vitest';
import { ConsoleLinks } from '../../src/console/links.ts';
import { ConsoleSessionStore } from '../../src/console/session-store.ts';
import { keysUnder } from '../../src/store/keys.ts';
import { StoreUnavailable } from '../../src/store/store-unavailable.ts';
import { engines, servers, useEngine, useServer, type RunningEngine } from './engines.ts';
import { consoleSessionContract, type ConsoleStoresUnderTest } from './console-session-store.ts';

/** A day ahead: the server itself forgets keys by its own clock, and must not do so while the turned one runs. */
const startMs = Math.floor(Date.now() / 60_000) * 60_000 + 86_400_000;
const keys = keysUnder('t:');

async function emptyStores(on: Pick<RunningEngine, 'empty' | 'turnTo'>): Promise<ConsoleStoresUnderTest> {
  const store = await on.empty(startMs);
  return {
    sessions: new ConsoleSessionStore(store, keys),
    links: new ConsoleLinks(store, keys),
    turnTo: (nowMs) => on.turnTo(nowMs),
  };
}

describe.each(engines)("the console's sessions ($name)", (engine) => {
  const on = useEngine(engine);
  consoleSessionContract(() => emptyStores(on), startMs);
});

describe.each(servers)("the console's sessions on a server ($name)", (engine) => {
  const on = useServer(engine);
  const root = { kind: 'root', seal: 'sealed' } as const;

  it('keeps nothing that does not expire, and nothing that opens a session', async () => {
    const store = await on.empty();
    const sessions = new ConsoleSessionStore(store, keys);
    const links = new ConsoleLinks(store, keys);
    await sessions.open('hash', { holder: root, browser: 'B' });
    await links.make(root, '');
    for (const key of await on.redis.client.keys('*')) {
      expect(await on.redis.client.pttl(key), key).toBeGreaterThan(0);
    }
  });

  it('in a full store opens no session, and still finds and ends those there are', async () => {
    const sessions = new ConsoleSessionStore(await on.empty(), keys);
    await sessions.open('a', { holder: root, browser: 'B' });
    await on.redis.client.config('SET', 'maxmemory', '1');
    try {
      await expect(sessions.open('b', { holder: root, browser: 'B' })).rejects.toThrow(StoreUnavailable);
      expect(await sessions.use('a')).not.toBeNull();
      expect(await sessions.end('a', root)).toBe(true);
    } finally {
      await on.redis.client.config('SET', 'maxmemory', '0');
    }
  });
});
