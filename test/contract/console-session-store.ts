import { beforeEach, expect, it } from 'vitest';
import type { Holder } from '../../src/console/holder.ts';
import type { ConsoleLinks } from '../../src/console/links.ts';
import type { ConsoleSessionStore } from '../../src/console/session-store.ts';
import { longestIdleMs, longestMs } from '../../src/console/session-store.ts';

const root: Holder = { kind: 'root', seal: 'sealed' };
const ana: Holder = { kind: 'token', team: 'acme', id: 'tok_1', secretHash: 'h', seal: 's' };

export interface ConsoleStoresUnderTest {
  sessions: ConsoleSessionStore;
  links: ConsoleLinks;
  turnTo: (nowMs: number) => Promise<void>;
}

/** What every store of the console's sessions does. `make` gives an empty one whose clock stands at `startMs`. */
export function consoleSessionContract(make: () => Promise<ConsoleStoresUnderTest>, startMs: number): void {
  let sessions: ConsoleSessionStore;
  let links: ConsoleLinks;
  let turnTo: ConsoleStoresUnderTest['turnTo'];

  beforeEach(async () => {
    ({ sessions, links, turnTo } = await make());
  });

  it('finds a session by the hash of its secret until it is ended, and ends it for its holder only', async () => {
    expect(await sessions.open('a', { holder: root, browser: 'B' })).toBe(startMs + longestMs);
    const found = { holder: root, hasEnded: false, openedAtMs: startMs, endsAtMs: startMs + longestMs };
    expect(await sessions.use('a')).toEqual(found);
    expect(await sessions.end('a', ana)).toBe(false);
    expect(await sessions.use('a')).toEqual(found);
    expect(await sessions.end('a', root)).toBe(true);
    expect(await sessions.use('a')).toBeNull();
    expect(await sessions.end('a', root)).toBe(false);
    expect(await sessions.use('b')).toBeNull();
  });

  it('keeps a note that a session ended, if told to, which is nobody’s and goes as an unused session would', async () => {
    await sessions.open('a', { holder: root, browser: 'B' });
    expect(await sessions.end('a', root, { note: true })).toBe(true);
    expect(await sessions.list(root)).toEqual([]);
    for (const afterMs of [0, longestIdleMs - 1]) {
      await turnTo(startMs + afterMs);
      expect(await sessions.use('a')).toMatchObject({ holder: root, hasEnded: true });
    }
    await turnTo(startMs + longestIdleMs);
    expect(await sessions.use('a')).toBeNull();
  });

  it('ends an idle session after an hour, and a used one after eight', async () => {
    await sessions.open('idle', { holder: root, browser: 'B' });
    await sessions.open('used', { holder: root, browser: 'B' });
    for (let atMs = startMs; atMs < startMs + longestMs; atMs += longestIdleMs / 2) {
      await turnTo(atMs);
      expect(await sessions.use('used'), `after ${atMs - startMs} ms`).not.toBeNull();
    }
    expect(await sessions.use('idle')).toBeNull();
    await turnTo(startMs + longestMs);
    expect(await sessions.use('used')).toBeNull();
  });

  it("lists a holder's sessions, without those of others", async () => {
    await sessions.open('a', { holder: root, browser: 'Firefox' });
    await sessions.open('b', { holder: ana, browser: 'Chrome' });
    await turnTo(startMs + 120_000);
    await sessions.use('a');
    expect(await sessions.list(root)).toEqual([
      {
        id: 'a',
        browser: 'Firefox',
        openedAtMs: startMs,
        usedAtMs: startMs + 120_000,
        endsAtMs: startMs + longestMs,
      },
    ]);
    expect((await sessions.list(ana)).map(({ id }) => id)).toEqual(['b']);
  });

  it('keeps twenty sessions of a holder: the one that ends first makes room', async () => {
    for (let n = 0; n < 22; n += 1) {
      await turnTo(startMs + n);
      await sessions.open(`s${n}`, { holder: root, browser: 'B' });
    }
    expect((await sessions.list(root)).map(({ id }) => id)).toEqual(
      Array.from({ length: 20 }, (_, n) => `s${n + 2}`),
    );
    expect(await sessions.use('s1')).toBeNull();
    expect(await sessions.use('s2')).not.toBeNull();
  });

  it('gives what a link stands for once', async () => {
    const { url } = await links.make(root, 'https://gateway.example');
    const code = url.replace('https://gateway.example/console#link=', '');
    expect(code).toMatch(/^[0-9a-f]{40}$/);
    const taken = await Promise.all([links.take(code), links.take(code), links.take(code)]);
    expect(taken.filter((holder) => holder !== null)).toEqual([root]);
    expect(await links.take('0'.repeat(40))).toBeNull();
  });
}
