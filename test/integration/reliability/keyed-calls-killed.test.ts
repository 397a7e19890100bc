import { afterAll, beforeAll, expect, it } from 'vitest';
import { doneFrame, messageFrame } from '../../../src/demo/frames.ts';
import type { LedgerEntry } from '../../../src/ledger/entry.ts';
import type { IssuedToken } from '../../support/gateway.ts';
import { bodies, paths, post } from '../../support/gateway-client.ts';
import { startRedis, type RedisServer } from '../../support/redis-server.ts';
import type { Script } from '../../support/stand-in.ts';
import { pause } from '../../../src/demo/connection.ts';
import { waitFor } from '../../support/wait-for.ts';
import { countingLimits, startSite, type Site } from './site.ts';

/*
 * Calls with an Idempotency-Key that are sent again and again, while the store stops and processes are killed: each is
 * made once and charged once. Only what a killed process left open is charged besides, as `lost`, and then made again.
 */

const calls = 500;
const triesOfEach = 3;
/** Tries of one call are at most so many others apart: often they run at the same time. */
const apart = 200;
const callers = 64;
/** Each is sent no more answers again in a minute than it may be. */
const tokensOfTeam = 20;
const leaseMs = 3_000;
const usage = { prompt_tokens: 7, completion_tokens: 11 };

let redis: RedisServer;
let site: Site;
let tokens: IssuedToken[];

beforeAll(async () => {
  redis = await startRedis();
  site = await startSite({ redis, leaseMs });
  site.upstream.script(numbered());
  const token = await site.witness.issue({ team: { limits: countingLimits } });
  const more = Array.from({ length: tokensOfTeam - 1 }, () =>
    site.witness.issue({ team: { id: token.team } }),
  );
  tokens = [token, ...(await Promise.all(more))];
});
afterAll(async () => {
  redis.resume();
  await site.close();
  await redis.stop();
});

/** Answers each call with a number of its own, after a moment, so that calls are under way when something happens. */
function numbered(): Script {
  let number = 0;
  return async (_req, res, body) => {
    number += 1;
    const content = `answer ${number}`;
    if (!(await pause(res, 5 + (number % 20)))) return true;
    if ((body as { stream?: boolean }).stream === true) {
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      res.write(messageFrame({ choices: [{ delta: { content } }] }));
      if (!(await pause(res, 10))) return true;
      res.end(messageFrame({ choices: [{ delta: {}, finish_reason: 'stop' }], usage }) + doneFrame);
    } else {
      res.writeHead(200, { 'content-type': 'application/json' });
      res.end(JSON.stringify({ choices: [{ message: { content }, finish_reason: 'stop' }], usage }));
    }
    return true;
  };
}

/** The different answers that were replayed for each call. */
const told = Array.from({ length: calls }, () => new Set<string>());
let tries = 0;
/** Tries that a gateway refused since it could not reach the store. */
let storeMissed = 0;

/** A request id that says whose it is. */
const idOf = (call: number): string =>
  `call-${String(call).padStart(6, '0')}-try-${String(tries++).padStart(6, '0')}`;
const callOf = (requestId: string): number => Number(/^call-(\d+)-/.exec(requestId)?.[1]);

async function attempt(call: number, { url }: { url: string }): Promise<void> {
  const headers = { 'idempotency-key': `key-${call}`, 'x-request-id': idOf(call) };
  const body = bodies.chat({ stream: call % 3 === 0, user: `caller-${call}` });
  const token = tokens[call % tokensOfTeam]?.text ?? '';
  const reply = await post(`${url}${paths.chat}`, body, { token, headers }).catch(() => null);
  if (reply?.status === 503) storeMissed += 1;
  // Else: broken off, in progress, the store is away, or the first answer.
  if (reply?.status === 200 && reply.headers.get('idempotency-replayed') === 'true')
    told[call]?.add(reply.text);
}

/** Numbers from 0 to 1. They are the same in every run, but which call meets what is not. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return state / 4_294_967_296;
  };
}

it('are made once and charged once, each, through store pauses and process kills', async () => {
  // The third takes the place of a killed one. It is there from the beginning, so that no time passes without a second.
  const spawned = await Promise.all([site.spawn(), site.spawn()]);
  const others = [await site.beside({ STORE_TIMEOUT_MS: '1000' })];
  const serving: [{ url: string }, { url: string }] = [...spawned];
  const random = numbers(18);
  const order = Array.from({ length: calls * triesOfEach }, (_, n) => ({
    call: Math.floor(n / triesOfEach),
    at: n + random() * apart,
  }));
  order.sort((a, b) => a.at - b.at);

  const kill = async (n: 0 | 1): Promise<void> => {
    spawned[n].kill('SIGKILL');
    serving[n] = others.pop() ?? serving[1 - n] ?? serving[n];
  };
  /** Until a gateway has noticed. */
  const stopStore = async (meanwhile = async (): Promise<void> => undefined): Promise<void> => {
    const before = storeMissed;
    redis.pause();
    await meanwhile();
    await waitFor(() => storeMissed > before, { what: 'a try without the store', timeoutMs: 60_000 });
    redis.resume();
  };
  const events: [atTry: number, () => Promise<void>][] = [
    [300, () => kill(0)],
    [650, () => stopStore()],
    [1_000, () => stopStore(() => kill(1))],
  ];
  let next = 0;
  const happening: Promise<void>[] = [];
  const caller = async (): Promise<void> => {
    while (next < order.length) {
      const [event] = events;
      if (event && next >= event[0]) {
        events.shift();
        happening.push(event[1]());
      }
      const { call } = order[next++] ?? { call: 0 };
      await attempt(call, serving[random() < 0.5 ? 0 : 1]);
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  await Promise.all(happening);

  // Each is asked for until it is a replay, and so settled. What a dead process left is free once it is swept, also if its
  // caller had the answer.
  const unsettled = (): number[] => [...told.keys()].filter((call) => told[call]?.size === 0);
  const askAgain = async (): Promise<boolean> => {
    const left = unsettled();
    const again = async (): Promise<void> => {
      for (let call = left.pop(); call !== undefined; call = left.pop()) await attempt(call, serving[1]);
    };
    await Promise.all(Array.from({ length: callers }, again));
    return unsettled().length === 0;
  };
  await waitFor(askAgain, { what: 'every call to be replayed', timeoutMs: 200_000, everyMs: 300 });
  await waitFor(async () => (await site.traces()).open === 0, { what: 'everything to be settled' });

  const [token] = tokens as [IssuedToken];
  const entries = await site.witness.allEntries(token.team);
  const withOutcome = (outcome: LedgerEntry['outcome']): LedgerEntry[] =>
    entries.filter((entry) => entry.outcome === outcome);
  const idsOf = (some: readonly LedgerEntry[]): string[] => some.map(({ request_id: id }) => id).sort();
  const [ok, lost] = [withOutcome('ok'), withOutcome('lost')];
  expect(ok.length + lost.length).toBe(entries.length);
  // One charge each ...
  expect(ok.map(({ request_id: id }) => callOf(id)).sort((a, b) => a - b)).toEqual([...told.keys()]);
  // ... for one call of the upstream each, besides those that a dead process had made.
  const made = site.upstream.requests.map(({ headers }) => String(headers['x-request-id'])).sort();
  const ofTheLost = new Set(idsOf(lost));
  expect(made.filter((id) => !ofTheLost.has(id))).toEqual(idsOf(ok));
  expect(new Set(made).size).toBe(made.length);
  // Limits and totals say the same.
  const sum = entries.reduce((all, { input_tokens, output_tokens }) => all + input_tokens + output_tokens, 0);
  expect(await site.used(token)).toMatchObject({ requests: entries.length, tokens: sum, concurrency: 0 });
  expect(await site.witness.usage(token.team)).toMatchObject({
    requests: entries.length,
    lost: lost.length,
    errors: 0,
    aborted: 0,
  });
  // Whoever asked again got the same answer.
  expect(told.filter(({ size }) => size !== 1)).toEqual([]);
  expect(lost.length).toBeGreaterThan(0); // or nothing was under way when processes were killed
}, 400_000);
