import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hang, streamFrames } from '../../support/upstream-scripts.ts';
import { doneFrame, messageFrame } from '../../../src/demo/frames.ts';
import type { LedgerEntry } from '../../../src/ledger/entry.ts';
import { administrationOf } from '../../support/gateway.ts';
import { bodies, get, paths, post } from '../../support/gateway-client.ts';
import { sharedRedis, startRedis, type SharedRedis } from '../../support/redis-server.ts';
import type { SpawnedGateway } from '../../support/spawn-gateway.ts';
import { waitFor } from '../../support/wait-for.ts';
import { unaccepting } from './unaccepting.ts';
import { countingLimits, openStream, outcomeOf, startSite, type Site, type SiteOptions } from './site.ts';

/*
 * kill -9 of a gateway, at every step of a request's way. Each test has processes and accounts of its own, so all
 * of them run at once: most of their time is spent waiting for a lease to run out.
 */

const leaseMs = 3_000;
/** Ample for a lease and a heartbeat on a machine that is busy with other tests. */
const sweptMs = 90_000;
const word = messageFrame({ choices: [{ delta: { content: 'x'.repeat(40) } }] }); // ten tokens' worth
const endless = streamFrames([word], { end: false });

let redis: SharedRedis;
const sites: Site[] = [];

beforeAll(async () => {
  redis = await sharedRedis();
});
afterAll(async () => {
  for (const site of sites) await site.close();
});

async function start(options: Partial<SiteOptions> = {}): Promise<Site> {
  const site = await startSite({ redis, leaseMs, ...options });
  sites.push(site);
  return site;
}

/** The whole reservation of a request, from the body that went up. */
function reservationOf(site: Site, { request_id: id }: LedgerEntry): Partial<LedgerEntry> {
  const sent = site.upstream.requests.find(({ headers }) => headers['x-request-id'] === id);
  if (!sent) throw new Error(`The upstream never saw ${id}.`);
  const body = sent.body as { max_tokens?: number; n?: number };
  if (sent.path === paths.images) return { input_tokens: 0, output_tokens: 0, images: body.n ?? 1 };
  const input = Math.ceil(Buffer.byteLength(sent.text) / 4);
  return { input_tokens: input, output_tokens: body.max_tokens ?? 0, images: 0 };
}

/** Entries, totals and counters of a team whose every request was lost say the same. */
async function expectAllLost(site: Site, token: Parameters<Site['used']>[0], count: number): Promise<void> {
  const entries = await site.witness.settled(token.team, count, sweptMs);
  expect(entries).toHaveLength(count);
  expect(new Set(entries.map(({ id }) => id)).size).toBe(count);
  for (const entry of entries) {
    expect(entry).toMatchObject({
      outcome: 'lost',
      status: 0,
      usage: 'estimated',
      ...reservationOf(site, entry),
    });
  }
  const sum = (of: (entry: LedgerEntry) => number): number => entries.reduce((all, one) => all + of(one), 0);
  const [input_tokens, output_tokens] = [sum((one) => one.input_tokens), sum((one) => one.output_tokens)];
  const images = sum((one) => one.images);
  expect(await site.witness.usage(token.team)).toEqual({
    requests: count,
    input_tokens,
    output_tokens,
    images,
    errors: 0,
    aborted: 0,
    lost: count,
    cost_usd: 0,
    search_units: 0,
    cache_read_tokens: 0,
    cache_write_tokens: 0,
  });
  expect(await site.used(token)).toEqual({
    requests: count,
    tokens: input_tokens + output_tokens,
    images,
    concurrency: 0,
  });
}

/** Streams and plain calls that the upstream has: more than one page of open requests, so that two that sweep meet in the middle. */
async function callsWithAnswers(site: Site, { url }: SpawnedGateway) {
  const token = await site.witness.issue({ team: { limits: countingLimits } });
  const ask = (kind: keyof typeof paths, more: object): Promise<number | 'broken'> =>
    outcomeOf(post(`${url}${paths[kind]}`, bodies[kind](more), { token: token.text, timeoutMs: 90_000 }));
  const calls = Array.from({ length: 110 }, (_, n) => [
    ask('chat', { stream: true, max_tokens: 100 + n }),
    ask('chat', { max_tokens: 200 + n }),
    ...(n % 10 === 0 ? [ask('embeddings', {}), ask('images', { n: 3 })] : []),
  ]).flat();
  await site.upstream.waitFor(({ requests }) => requests.length === calls.length, 60_000);
  return { token, calls };
}

/** Calls to an attachment that accepts no connection: lost too, at the whole reservation. */
async function callsWithoutConnection(site: Site, { url }: SpawnedGateway) {
  const token = await site.witness.issue({ team: { limits: countingLimits } });
  const body = bodies.chat({ model: 'nowhere', stream: true });
  const calls = [1, 2, 3].map(() => outcomeOf(post(`${url}${paths.chat}`, body, { token: token.text })));
  await waitFor(async () => (await site.used(token))['concurrency'] === 3, { what: 'three admissions' });
  const expectLost = async (): Promise<void> => {
    const entries = await site.witness.settled(token.team, 3, sweptMs);
    const input = Math.ceil(JSON.stringify(body).length / 4);
    for (const entry of entries)
      expect(entry).toMatchObject({ outcome: 'lost', input_tokens: input, output_tokens: 50 });
    const tokens = 3 * (input + 50);
    expect(await site.used(token)).toEqual({ requests: 3, tokens, images: 0, concurrency: 0 });
  };
  return { calls, expectLost };
}

describe.concurrent('a gateway killed', () => {
  it('at every step of its calls: others close each once as lost, and give places back, not before it is held to be dead', async () => {
    // Two hundred calls begin at once: none of them may be refused because the machine is busy.
    const site = await start({ leaseMs: 6_000, env: { STORE_TIMEOUT_MS: '10000' } });
    const nowhere = await unaccepting();
    const elsewhere = { NOWHERE_URL: nowhere.url, NOWHERE_KEY: 'inf-nowhere', NOWHERE_MODEL_ID: 'nowhere' };
    try {
      const [victim, survivor] = await Promise.all([site.spawn(elsewhere), site.beside()]);
      site.upstream.script((req, res, body) =>
        (body as { stream?: boolean }).stream === true ? endless(req, res, body) : hang()(req, res, body),
      );
      const answering = await callsWithAnswers(site, victim);
      const unconnected = await callsWithoutConnection(site, victim);
      const limited = await site.witness.issue({ team: { limits: [{ metric: 'concurrency', max: 3 }] } });
      await Promise.all([1, 2, 3].map(() => openStream(victim, limited)));
      site.upstream.script(null);
      const ask = async (): Promise<number> => {
        const asked = post(`${survivor.url}${paths.embeddings}`, bodies.embeddings(), {
          token: limited.text,
        });
        return (await asked).status;
      };

      victim.kill('SIGKILL');
      expect(await ask()).toBe(429);
      expect(new Set(await Promise.all([...answering.calls, ...unconnected.calls]))).toEqual(
        new Set(['broken']),
      );
      await expectAllLost(site, answering.token, answering.calls.length);
      await unconnected.expectLost();
      await waitFor(async () => (await ask()) === 200, { what: 'a place to be free', timeoutMs: sweptMs });
      await waitFor(async () => (await site.traces()).processes === 2, { what: 'the dead to be forgotten' });
      expect(await site.traces()).toEqual({ open: 0, processes: 2 });
      expect(await site.used(limited)).toEqual({ concurrency: 0 });

      const { token } = answering;
      const next = await post(`${survivor.url}${paths.chat}`, bodies.chat(), { token: token.text });
      expect(next.status).toBe(200);
      site.upstream.script(endless);
      await Promise.all([1, 2, 3].map(() => openStream(survivor, limited)));
      expect(await ask()).toBe(429);
    } finally {
      nowhere.close();
    }
  });

  it('after the upstream had ended and before it could settle: lost, once', async () => {
    const store = await startRedis({ persist: true });
    const site = await start({ redis: store });
    try {
      const victim = await site.spawn();
      const token = await site.witness.issue({ team: { limits: countingLimits } });
      const finish = Promise.withResolvers<void>();
      site.upstream.script(async () => {
        await finish.promise;
        return false;
      });
      const calls = [true, false, true].map((stream) =>
        outcomeOf(post(`${victim.url}${paths.chat}`, bodies.chat({ stream }), { token: token.text })),
      );
      await site.upstream.waitFor(({ requests }) => requests.length === 3);
      await store.kill();
      finish.resolve();
      // The callers have their answers: nothing of that waits for the store.
      expect(await Promise.all(calls)).toEqual([200, 200, 200]);
      victim.kill('SIGKILL');
      await victim.exited;
      await store.restart();
      await expectAllLost(site, token, 3);
    } finally {
      await site.close();
      sites.splice(sites.indexOf(site), 1);
      await store.stop();
    }
  });

  it('while the store hung with its settlements half sent: each is in the ledger once, one way or the other', async () => {
    const store = await startRedis();
    const site = await start({ redis: store });
    try {
      const victim = await site.spawn();
      const token = await site.witness.issue({ team: { limits: countingLimits } });
      const finish = Promise.withResolvers<void>();
      site.upstream.script(async (_req, res) => {
        await finish.promise;
        return res.destroyed;
      });
      const calls = Array.from({ length: 10 }, (_, n) =>
        outcomeOf(
          post(`${victim.url}${paths.chat}`, bodies.chat({ stream: n % 2 === 0 }), { token: token.text }),
        ),
      );
      await site.upstream.waitFor(({ requests }) => requests.length === 10);
      store.pause();
      finish.resolve();
      expect(new Set(await Promise.all(calls))).toEqual(new Set([200]));
      // More of them, whose admissions the store has in its socket and has not looked at.
      const ghosts = [1, 2, 3].map(() =>
        outcomeOf(post(`${victim.url}${paths.chat}`, bodies.chat(), { token: token.text })),
      );
      await new Promise((resolve) => setTimeout(resolve, 100)); // a stopped store cannot say that it was asked
      victim.kill('SIGKILL');
      expect(await Promise.all(ghosts)).toEqual(['broken', 'broken', 'broken']);
      await new Promise((resolve) => setTimeout(resolve, 1_500)); // past the not-after time of admissions, by Redis's own clock
      store.resume();

      const entries = await site.witness.settled(token.team, 10, sweptMs);
      await waitFor(async () => (await site.traces()).processes === 1, {
        what: 'the dead to be forgotten',
        timeoutMs: sweptMs,
      });
      expect(await site.witness.entries(token.team)).toHaveLength(10);
      expect(new Set(entries.map(({ id }) => id)).size).toBe(10);
      const charged = entries.reduce((sum, one) => sum + one.input_tokens + one.output_tokens, 0);
      expect(await site.used(token)).toEqual({ requests: 10, tokens: charged, images: 0, concurrency: 0 });
      const lost = entries.filter(({ outcome }) => outcome === 'lost').length;
      expect(await site.witness.usage(token.team)).toMatchObject({
        requests: 10,
        errors: 0,
        aborted: 0,
        lost,
      });
    } finally {
      store.resume();
      await site.close();
      sites.splice(sites.indexOf(site), 1);
      await store.stop();
    }
  });

  it('together with all others: the first that starts again closes what they left', async () => {
    const site = await start();
    // The witness would do it: this site's work is under another prefix.
    const prefix = `${site.prefix}alone:`;
    const env = { REDIS_PREFIX: prefix };
    const victims = await Promise.all([site.spawn(env), site.spawn(env)]);
    const [first] = victims;
    const admin = administrationOf(first.url, site.witness.adminKey);
    const token = await admin.issue({ team: { limits: countingLimits } });
    site.upstream.script(endless);
    await Promise.all(victims.flatMap((victim) => [1, 2].map(() => openStream(victim, token))));
    for (const victim of victims) victim.kill('SIGKILL');

    const later = await site.beside(env);
    const entries = await later.settled(token.team, 4, sweptMs);
    expect(entries.map(({ outcome }) => outcome)).toEqual(['lost', 'lost', 'lost', 'lost']);
    const { json } = await get(`${later.url}/v1/me`, { token: token.text });
    expect(json['limits']).toContainEqual(expect.objectContaining({ metric: 'concurrency', used: 0 }));
  });
});

describe.concurrent('a gateway that lives', () => {
  it('keeps its requests however long they take: many leases', async () => {
    const site = await start();
    const gateway = await site.beside();
    const token = await site.witness.issue({ team: { limits: countingLimits } });
    const finish = Promise.withResolvers<void>();
    site.upstream.script(async (_req, res, body) => {
      if ((body as { stream?: boolean }).stream !== true) {
        await finish.promise;
        return false;
      }
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      res.write(word);
      await finish.promise;
      res.end(word + doneFrame);
      return true;
    });
    const plain = outcomeOf(post(`${gateway.url}${paths.chat}`, bodies.chat(), { token: token.text }));
    const streams = await Promise.all([1, 2, 3].map(() => openStream(gateway, token)));
    const begunAt = performance.now();
    await new Promise((resolve) => setTimeout(resolve, 4 * leaseMs));
    expect(await site.witness.entries(token.team)).toEqual([]);
    expect(await site.used(token)).toMatchObject({ concurrency: 4 });

    finish.resolve();
    expect(await Promise.all(streams.map((stream) => stream.rest()))).toEqual(['clean', 'clean', 'clean']);
    expect(await plain).toBe(200);
    expect(performance.now() - begunAt).toBeGreaterThan(4 * leaseMs);
    const entries = await site.witness.settled(token.team, 4);
    expect(entries.map(({ outcome }) => outcome)).toEqual(['ok', 'ok', 'ok', 'ok']);
    expect(await site.used(token)).toMatchObject({ requests: 4, concurrency: 0 });
  });

  it('keeps them while its event loop is busy, for less than a lease at a time', async () => {
    const site = await start({ leaseMs: 6_000 });
    const gateway = await site.spawn({ NODE_OPTIONS: `--import=${busyOnSignal(2_400)}` });
    const token = await site.witness.issue({ team: { limits: countingLimits } });
    site.upstream.script(endless);
    const streams = await Promise.all([1, 2, 3].map(() => openStream(gateway, token)));
    for (let time = 0; time < 4; time += 1) {
      gateway.kill('SIGUSR2');
      await waitFor(() => busyTimes(gateway.stdout()) === time + 1, { what: 'a busy spell to end' });
    }
    expect(await site.witness.entries(token.team)).toEqual([]);
    expect(await site.used(token)).toMatchObject({ concurrency: 3 });
    expect(streams.map((stream) => stream.text())).toEqual([word, word, word]);
  });

  it('and stood still for longer than a lease: what was closed as lost is final, and it admits again', async () => {
    const site = await start();
    const gateway = await site.spawn({ LOG_LEVEL: 'warn' });
    const token = await site.witness.issue({ team: { limits: countingLimits } });
    const finish = Promise.withResolvers<void>();
    site.upstream.script(async (_req, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      res.write(word);
      await finish.promise;
      res.end(word + doneFrame);
      return true;
    });
    const streams = await Promise.all([1, 2, 3].map(() => openStream(gateway, token)));
    gateway.kill('SIGSTOP');
    await expectAllLost(site, token, 3);
    gateway.kill('SIGCONT');

    // Its streams go on, and end well; that changes nothing any more.
    finish.resolve();
    expect(await Promise.all(streams.map((stream) => stream.rest()))).toEqual(['clean', 'clean', 'clean']);
    const told = (): number =>
      gateway.stdout().split('settlement found its request closed already').length - 1;
    await waitFor(() => told() === 3, { what: 'three late settlements in the log' });
    await expectAllLost(site, token, 3);

    site.upstream.script(null);
    const next = await post(`${gateway.url}${paths.embeddings}`, bodies.embeddings(), { token: token.text });
    expect(next.status).toBe(200);
    const entries = await site.witness.settled(token.team, 4);
    expect(entries.map(({ outcome }) => outcome)).toEqual(['lost', 'lost', 'lost', 'ok']);
    expect(await site.used(token)).toMatchObject({ requests: 4, concurrency: 0 });
  });
});

/** A module that keeps the event loop from turning for so long at each SIGUSR2, and says so afterwards. */
function busyOnSignal(ms: number): string {
  const cell = 'new Int32Array(new SharedArrayBuffer(4))';
  const busy = `Atomics.wait(${cell},0,0,${ms});process.stdout.write('{"busy":true}\\n')`;
  return `data:text/javascript,${encodeURIComponent(`process.on('SIGUSR2',()=>{${busy}})`)}`;
}

function busyTimes(stdout: string): number {
  return stdout.split('{"busy":true}').length - 1;
}
