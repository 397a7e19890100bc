import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import type { IssuedToken } from '../../support/gateway.ts';
import { bodies, open, paths, readStream } from '../../support/gateway-client.ts';
import { sharedRedis, type SharedRedis } from '../../support/redis-server.ts';
import { rotateToken, secretsOf } from '../../support/rotation.ts';
import type { SpawnedGateway } from '../../support/spawn-gateway.ts';
import { waitFor } from '../../support/wait-for.ts';
import { startSite, type Site } from './site.ts';

/* A token is rotated while its callers call through two processes: not one call fails. */

const callers = 16;

let redis: SharedRedis;
let site: Site;
let gateways: SpawnedGateway[];

beforeAll(async () => {
  redis = await sharedRedis();
  site = await startSite({ redis, leaseMs: 5_000 });
  gateways = await Promise.all([site.spawn(), site.spawn()]);
});
afterAll(async () => {
  await site.close();
});

interface Load {
  /** Statuses of the calls so far, by the text they were made with. */
  readonly byText: ReadonlyMap<string, number[]>;
  stop(): Promise<void>;
}

/** Callers that call without end, plain and streamed, each with the text that it has in that moment. */
function startCalling(textOf: (caller: number) => string): Load {
  const byText = new Map<string, number[]>();
  const stopping = new AbortController();
  const callOn = async (caller: number): Promise<void> => {
    for (let n = caller; !stopping.signal.aborted; n += 1) {
      const text = textOf(caller);
      const url = gateways[n % gateways.length]?.url ?? '';
      const answer = await open(`${url}${paths.chat}`, bodies.chat({ stream: n % 3 === 0 }), { token: text });
      await readStream(answer).rest();
      byText.set(text, [...(byText.get(text) ?? []), answer.status]);
    }
  };
  const running = Array.from({ length: callers }, (_, caller) => callOn(caller));
  return {
    byText,
    stop: async () => {
      stopping.abort();
      await Promise.all(running);
    },
  };
}

const callsWith = (load: Load, { text }: IssuedToken): number => load.byText.get(text)?.length ?? 0;
const statuses = (load: Load): number[] => [...new Set([...load.byText.values()].flat())];

describe('rotation under load', () => {
  it('fails no call: callers change over one after the other, and then the old secret is used no more', async () => {
    const old = await site.witness.issue({ limits: [{ metric: 'requests', window: 'day', max: 1_000_000 }] });
    let next: IssuedToken | null = null;
    let changed = 0;
    const load = startCalling((caller) => (next !== null && caller < changed ? next.text : old.text));
    const more = (token: IssuedToken, calls: number): Promise<unknown> => {
      const before = callsWith(load, token);
      return waitFor(() => callsWith(load, token) >= before + calls, { what: 'calls', timeoutMs: 20_000 });
    };
    await more(old, 100);
    next = await rotateToken(site.witness, old, 3_600);
    await more(old, 100);
    for (changed = 1; changed < callers; changed += 1) await sleep(20);
    await more(next, 200);
    await load.stop();

    expect(statuses(load)).toEqual([200]);
    expect(callsWith(load, old)).toBeGreaterThan(200);
    for (const gateway of gateways) {
      expect(await gateway.stop()).toEqual({ code: 0, signal: null });
    }
    // The processes that ended have said when each was used last.
    const [newest, before] = await secretsOf(site.witness, old);
    expect(Date.parse(newest?.last_used_at ?? '')).toBeGreaterThan(Date.parse(before?.last_used_at ?? ''));
    const usage = await site.witness.usage(old.team);
    const calls = callsWith(load, old) + callsWith(load, next);
    expect([usage.requests, usage.errors]).toEqual([calls, 0]);
  });
});
