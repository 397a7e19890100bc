import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { streamFrames } from '../../../src/demo/behaviours.ts';
import { doneFrame, messageFrame } from '../../../src/demo/frames.ts';
import type { LedgerEntry } from '../../../src/core/entry.ts';
import type { IssuedToken } from '../../support/gateway.ts';
import { freePort } from '../../support/free-port.ts';
import { startRedis, type RedisServer } from '../../support/redis-server.ts';
import type { SpawnedGateway } from '../../support/spawn-gateway.ts';
import { waitFor } from '../../support/wait-for.ts';
import { startLoad, type Called } from './retrying-callers.ts';
import { countingLimits, startSite, type Site } from './site.ts';

/* Processes are replaced under load, as by a deploy. */

const leaseMs = 1_500;
const word = messageFrame({ choices: [{ delta: { content: 'word ' } }] });
const usage = { prompt_tokens: 7, completion_tokens: 11 };
const last = messageFrame({ choices: [{ delta: {}, finish_reason: 'stop' }], usage });

let redis: RedisServer;
const sites: Site[] = [];

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(async () => {
  for (const site of sites) await site.close();
  await redis.stop();
});

/** A site whose streams take 300 ms, within any grace. */
async function start(): Promise<{ site: Site; token: IssuedToken }> {
  const site = await startSite({ redis, leaseMs, env: { SHUTDOWN_GRACE_MS: '5000' } });
  sites.push(site);
  site.upstream.script((req, res, body) =>
    (body as { stream?: boolean }).stream === true
      ? streamFrames([word, word, word, last + doneFrame], { delayMs: 100 })(req, res, body)
      : false,
  );
  const token = await site.witness.issue({ team: { limits: countingLimits } });
  return { site, token };
}

/** All entries of a team: more than one page of the admin API. */
async function allEntries(site: Site, team: string): Promise<LedgerEntry[]> {
  const entries: LedgerEntry[] = [];
  for (let cursor: unknown = ''; typeof cursor === 'string';) {
    const from = cursor === '' ? '' : `&cursor=${cursor}`;
    const { body } = await site.witness.admin('GET', `/admin/requests?team=${team}&limit=1000${from}`);
    entries.push(...(body['data'] as LedgerEntry[]));
    cursor = body['next_cursor'];
  }
  return entries;
}

async function expectAccountsAgree(site: Site, token: IssuedToken, entries: LedgerEntry[]): Promise<void> {
  const sum = (of: (entry: LedgerEntry) => number): number =>
    entries.reduce((total, entry) => total + of(entry), 0);
  const count = (outcome: string): number => sum((entry) => (entry.outcome === outcome ? 1 : 0));
  expect(await site.witness.usage(token.team)).toEqual({
    requests: entries.length,
    input_tokens: sum((entry) => entry.input_tokens),
    output_tokens: sum((entry) => entry.output_tokens),
    images: 0,
    errors: count('error'),
    aborted: count('aborted'),
    lost: count('lost'),
  });
  expect(await site.used(token)).toEqual({
    requests: entries.length,
    tokens: sum((entry) => entry.input_tokens + entry.output_tokens),
    images: 0,
    concurrency: 0,
  });
}

const callsThat = (calls: readonly Called[], ended: Called['ended']): number =>
  calls.filter((call) => call.ended === ended).length;

describe('under load', () => {
  it('two processes are replaced one after the other, twice: every call is answered, in the ledger once', async () => {
    const { site, token } = await start();
    const ports = [await freePort(), await freePort()];
    const spawn = (port: number): Promise<SpawnedGateway> => site.spawn({}, port);
    const gateways = await Promise.all(ports.map(spawn));
    const load = startLoad({ urls: gateways.map(({ url }) => url), token, callers: 12 });

    for (const n of [0, 1, 0, 1]) {
      const before = load.done.length;
      await waitFor(() => load.done.length > before + 20, {
        what: 'calls to be answered',
        timeoutMs: 15_000,
      });
      const gateway = gateways[n];
      for (let time = 0; time < 2; time += 1) gateway?.kill('SIGTERM');
      expect(await gateway?.exited).toEqual({ code: 0, signal: null });
      gateways[n] = await spawn(ports[n] ?? 0);
    }
    const calls = await load.stop();
    expect(callsThat(calls, 'whole')).toBe(calls.length);
    expect(calls.some(({ tries }) => tries > 1)).toBe(true);

    await waitFor(async () => (await site.traces()).open === 0, { what: 'everything to be settled' });
    const entries = await allEntries(site, token.team);
    expect(entries.map(({ request_id: id }) => id).sort()).toEqual(
      calls.map(({ requestId }) => requestId).sort(),
    );
    expect(new Set(entries.map(({ outcome }) => outcome))).toEqual(new Set(['ok']));
    await expectAccountsAgree(site, token, entries);
    expect(await site.traces()).toEqual({ open: 0, processes: 3 });
  }, 60_000);
});
