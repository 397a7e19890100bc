import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Script } from '../../support/stand-in.ts';
import { streamFrames } from '../../support/upstream-scripts.ts';
import { doneFrame, messageFrame } from '../../../src/demo/frames.ts';
import type { LedgerEntry } from '../../../src/ledger/entry.ts';
import { bodies, paths, post } from '../../support/gateway-client.ts';
import { connectRaw, type RawConnection } from '../../support/http.ts';
import { startRedis, type RedisServer } from '../../support/redis-server.ts';
import type { SpawnedGateway } from '../../support/spawn-gateway.ts';
import { waitFor, within } from '../../support/wait-for.ts';
import { countingLimits, openStream, outcomeOf, startSite, type Site, type SiteOptions } from './site.ts';

/* SIGTERM on days that are bad already. What happens on good ones: test/integration/gateway/shutdown.test.ts. */

const leaseMs = 3_000;
const sweptMs = 60_000;
/** Heroku kills what has not ended by then (Dev Center, "Dyno Shutdown Behavior"); src/lifecycle/shutdown.ts says when we do. */
const killedAtMs = 30_000;
/** A module that makes long timers ten times as fast: a process then gives up after 2.9 s, not 29 s. */
const hurried = (() => {
  const hurry = `const { setTimeout } = globalThis;
    const hurried = (f, ms, ...args) => setTimeout(f, ms >= 10_000 ? ms / 10 : ms, ...args);
    globalThis.setTimeout = Object.assign(hurried, setTimeout);`;
  return `--import=data:text/javascript,${encodeURIComponent(hurry)}`;
})();
/** Ample for a call to get as far as asking the store: a store that is stopped cannot say that it was asked. */
const onTheirWayMs = 500;
const word = messageFrame({ choices: [{ delta: { content: 'x'.repeat(40) } }] }); // ten tokens' worth

let redis: RedisServer;
const sites: { site: Site; store: RedisServer }[] = [];

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(async () => {
  for (const { site, store } of sites) {
    store.resume();
    await site.close();
    if (store !== redis) await store.stop();
  }
  await redis.stop();
});

async function start(options: Partial<SiteOptions> & { redis?: RedisServer } = {}): Promise<Site> {
  const store = options.redis ?? redis;
  const site = await startSite({ leaseMs, ...options, redis: store });
  sites.push({ site, store });
  return site;
}

/** Streams of this model end only when they are told to; all else is answered at once. */
const neverEnding = 'never-ending';
const script: Script = (req, res, body) =>
  (body as { model: string }).model === neverEnding
    ? streamFrames([word, word], { end: false })(req, res, body)
    : false;

/** Tells a process to stop as Heroku may: several times. Gives how it ended, which it must before Heroku would kill it. */
async function stop(gateway: SpawnedGateway): Promise<{ code: number | null }> {
  for (let time = 0; time < 3; time += 1) gateway.kill('SIGTERM');
  const { code } = await within(gateway.exited, killedAtMs - 1_000, 'the gateway to end');
  return { code };
}

function sumOf(entries: readonly LedgerEntry[], of: (entry: LedgerEntry) => number): number {
  return entries.reduce((sum, entry) => sum + of(entry), 0);
}

const tokensOf = (entry: LedgerEntry): number => entry.input_tokens + entry.output_tokens;

describe.concurrent('SIGTERM while the store is away', () => {
  it('gone: it ends with 0, and what it could not settle is closed as lost, once', async () => {
    const store = await startRedis({ persist: true });
    const site = await start({ redis: store, env: { SHUTDOWN_GRACE_MS: '1000' } });
    const gateway = await site.spawn({ NODE_OPTIONS: hurried });
    const token = await site.witness.issue({ team: { limits: countingLimits } });
    site.upstream.script(script);
    const streams = await Promise.all(
      [1, 2, 3].map(() => openStream(gateway, token, { model: neverEnding })),
    );
    await store.kill();
    const ended = stop(gateway);
    expect(await Promise.all(streams.map((stream) => stream.rest(10_000)))).toEqual(Array(3).fill('broken'));
    for (const stream of streams) expect(stream.text()).toContain('event: error');
    const { code } = await ended;
    expect(code).toBe(0);
    expect(gateway.stdout()).toContain('settlements were still waiting at the deadline');

    await store.restart();
    const entries = await site.witness.settled(token.team, 3, sweptMs);
    expect(entries.map(({ outcome }) => outcome)).toEqual(['lost', 'lost', 'lost']);
    expect(await site.used(token)).toEqual({
      requests: 3,
      tokens: sumOf(entries, tokensOf),
      images: 0,
      concurrency: 0,
    });
    expect(await site.witness.usage(token.team)).toMatchObject({ requests: 3, lost: 3, errors: 0 });
  });

  it('hanging: the same, and each entry is there once, whether its settlement was on its way or not', async () => {
    const store = await startRedis();
    const site = await start({ redis: store, env: { SHUTDOWN_GRACE_MS: '1000' } });
    const gateway = await site.spawn({ NODE_OPTIONS: hurried });
    const token = await site.witness.issue({ team: { limits: countingLimits } });
    site.upstream.script(script);
    await Promise.all([1, 2, 3].map(() => openStream(gateway, token, { model: neverEnding })));
    store.pause();
    const waiting = [1, 2].map(() =>
      outcomeOf(post(`${gateway.url}${paths.chat}`, bodies.chat(), { token: token.text })),
    );
    const { code } = await stop(gateway);
    expect(code).toBe(0);
    for (const outcome of await Promise.all(waiting)) expect([503, 'broken']).toContain(outcome);

    store.resume();
    const entries = await site.witness.settled(token.team, 3, sweptMs);
    await waitFor(async () => (await site.traces()).processes === 1, {
      what: 'the stopped process to be forgotten',
      timeoutMs: sweptMs,
    });
    expect(await site.witness.entries(token.team)).toHaveLength(3);
    for (const { outcome, error_code: code_ } of entries)
      expect(['lost', 'error shutdown']).toContain(outcome === 'lost' ? outcome : `${outcome} ${code_}`);
    expect(await site.used(token)).toEqual({
      requests: 3,
      tokens: sumOf(entries, tokensOf),
      images: 0,
      concurrency: 0,
    });
  });

  it('for a moment: calls that wait to be admitted are, and have their answers', async () => {
    const store = await startRedis();
    const site = await start({ redis: store, leaseMs: 20_000, env: { STORE_TIMEOUT_MS: '10000' } });
    const gateway = await site.spawn();
    const token = await site.witness.issue({ team: { limits: countingLimits } });
    site.upstream.script(script);
    const call = (more: object): Promise<number | 'broken'> =>
      outcomeOf(post(`${gateway.url}${paths.chat}`, bodies.chat(more), { token: token.text }));
    expect(await call({})).toBe(200);
    store.pause();
    const waiting = [call({}), call({ stream: true }), call({})];
    await sleep(onTheirWayMs);
    const ended = stop(gateway);
    await waitFor(() => gateway.stdout().includes('shutting down'), { what: 'the gateway to be told' });
    store.resume();
    expect(await Promise.all(waiting)).toEqual([200, 200, 200]);
    expect((await ended).code).toBe(0);
    const entries = await site.witness.settled(token.team, 4);
    expect(entries.map(({ outcome }) => outcome)).toEqual(['ok', 'ok', 'ok', 'ok']);
    expect(await site.traces()).toEqual({ open: 0, processes: 1 });
  });

  it('beyond the grace: a call cut off while it waits to be admitted costs nothing', async () => {
    const store = await startRedis();
    const site = await start({
      redis: store,
      leaseMs: 20_000, // or the store would not admit them before it has seen a heartbeat
      env: { STORE_TIMEOUT_MS: '10000', SHUTDOWN_GRACE_MS: '300' },
    });
    const gateway = await site.spawn();
    const token = await site.witness.issue({ team: { limits: countingLimits } });
    const call = (): Promise<number | 'broken'> =>
      outcomeOf(post(`${gateway.url}${paths.chat}`, bodies.chat(), { token: token.text }));
    expect(await call()).toBe(200);
    await site.witness.settled(token.team, 1);
    const before = await site.used(token);
    store.pause();
    const waiting = [call(), call()];
    await sleep(onTheirWayMs);
    const ended = stop(gateway);
    expect(await Promise.all(waiting)).toEqual(['broken', 'broken']);
    store.resume();
    expect((await ended).code).toBe(0);
    const entries = await site.witness.settled(token.team, 3);
    for (const entry of entries.slice(1))
      expect(entry).toMatchObject({ error_code: 'shutdown', input_tokens: 0, output_tokens: 0 });
    expect(await site.traces()).toEqual({ open: 0, processes: 1 });
    expect(await site.used(token)).toEqual(before);
    expect(site.upstream.requests).toHaveLength(1);
  });
});

/** The head of a chat call and as much of its body as is to come at once. */
function beginning(token: string, body: string, firstBytes: number): string {
  const head = `POST ${paths.chat} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${token}\r\n`;
  return `${head}content-length: ${body.length}\r\n\r\n${body.slice(0, firstBytes)}`;
}

describe.concurrent('SIGTERM while a body is coming in', () => {
  it('what is in within the grace is answered, what is in after it refused, and what is not leaves nothing behind', async () => {
    const site = await start({ env: { SHUTDOWN_GRACE_MS: '5000' } });
    const gateway = await site.spawn();
    const token = await site.witness.issue({ team: { limits: countingLimits } });
    const body = JSON.stringify(bodies.chat());
    const connections = await Promise.all([1, 2, 3].map(() => connectRaw(gateway.port)));
    for (const connection of connections) connection.send(beginning(token.text, body, 10));
    await sleep(onTheirWayMs);
    const ended = stop(gateway);
    const [inTime, late, never] = connections as [RawConnection, RawConnection, RawConnection];
    await sleep(300);
    inTime.send(body.slice(10));
    await inTime.until('"finish_reason":"stop"');
    expect(inTime.text()).toMatch(/^HTTP\/1.1 200 /);
    await waitFor(() => gateway.stdout().includes('ending the requests that still run'), {
      what: 'the grace to end',
    });
    late.send(body.slice(10));
    await late.until('"code":"overloaded"');
    expect(late.text()).toMatch(/^HTTP\/1.1 503 /);
    await never.untilClosed();
    expect(never.text()).toBe('');
    expect(await ended).toMatchObject({ code: 0 });
    expect(site.upstream.requests).toHaveLength(1);
    const entries = await site.witness.settled(token.team, 2);
    expect(entries.map(({ outcome, error_code: code }) => `${outcome} ${code}`)).toEqual([
      'ok null',
      'error shutdown',
    ]);
    expect(entries[1]).toMatchObject({ input_tokens: 0, output_tokens: 0 });
    expect(await site.used(token)).toMatchObject({ requests: 1, concurrency: 0 });
  });
});

describe.concurrent('SIGTERM with workers', () => {
  it('sent to every process of the dyno at once: each worker ends its own as one process would', async () => {
    const site = await start({ env: { SHUTDOWN_GRACE_MS: '5000', WEB_CONCURRENCY: '2' } });
    const gateway = await site.spawn({ WEB_CONCURRENCY: '2' });
    const pids = await waitFor(() => workersOf(gateway, 2), { what: 'two workers', timeoutMs: 60_000 });
    const token = await site.witness.issue({ team: { limits: countingLimits } });
    const finish = Promise.withResolvers<void>();
    site.upstream.script(async (req, res, body) => {
      if ((body as { model: string }).model === neverEnding) return script(req, res, body);
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      res.write(word);
      await finish.promise;
      res.end(doneFrame);
      return true;
    });
    const each = Array.from({ length: 6 });
    const inTime = await Promise.all(each.map(() => openStream(gateway, token)));
    const never = await Promise.all(each.map(() => openStream(gateway, token, { model: neverEnding })));

    for (const pid of pids) process.kill(pid, 'SIGTERM');
    const ended = stop(gateway);
    finish.resolve();
    expect(await Promise.all(inTime.map((stream) => stream.rest()))).toEqual(Array(6).fill('clean'));
    expect(await Promise.all(never.map((stream) => stream.rest()))).toEqual(Array(6).fill('broken'));
    for (const stream of never) expect(stream.text()).toContain('event: error');
    expect((await ended).code).toBe(0);
    const entries = await site.witness.settled(token.team, 12);
    const endings = entries.map(({ outcome, error_code: code }) => `${outcome} ${code}`);
    expect(endings.sort()).toEqual([
      ...Array<string>(6).fill('error shutdown'),
      ...Array<string>(6).fill('ok null'),
    ]);
    expect(await site.used(token)).toMatchObject({ requests: 12, concurrency: 0 });
    expect(await site.traces()).toEqual({ open: 0, processes: 1 });
  });
});

function workersOf(gateway: SpawnedGateway, count: number): number[] | null {
  const lines = gateway.stdout().split('\n');
  const listening = lines.filter((line) => line.includes('"msg":"listening"'));
  const pids = listening.map((line) => (JSON.parse(line) as { pid: number }).pid);
  return pids.length === count ? pids : null;
}
