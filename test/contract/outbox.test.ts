import { beforeEach, describe, expect, it } from 'vitest';
import type { GatewayEvent, StoredEvent } from '../../src/base/event.ts';
import { Outbox } from '../../src/events/outbox.ts';
import { keysUnder } from '../../src/store/keys.ts';
import { StoreLease } from '../../src/store/lease.ts';
import { scriptOf } from '../../src/store/script.ts';
import type { Store } from '../../src/store/store.ts';
import { expectEvent } from '../support/expect-event.ts';
import { engines, servers, useEngine, useServer } from './engines.ts';

/** A day ahead: the server itself forgets keys by its own clock, and must not do so while the turned one runs. */
const startMs = Math.floor(Date.now() / 60_000) * 60_000 + 86_400_000;
const keys = keysUnder('t:');
const down: GatewayEvent = {
  type: 'upstream.down',
  team: null,
  data: { attachment: 'INFERENCE', model: null, cause: 'timeout', only_team: null },
};
const up: GatewayEvent = {
  type: 'upstream.recovered',
  team: null,
  data: { attachment: 'INFERENCE', model: null, down_for_s: 0 },
};
const anomaly = (team: string): GatewayEvent => ({
  type: 'spend.anomaly',
  team,
  data: { day: '2026-01-31', cost_usd: 40, mean_usd: 10 },
});

describe.each(engines)('the outbox ($name)', (engine) => {
  const on = useEngine(engine);
  let store: Store;
  let outbox: Outbox;
  const all = (): Promise<StoredEvent[]> => outbox.after('0-0', 2_000);

  beforeEach(async () => {
    store = await on.empty(startMs);
    outbox = new Outbox(store, keys);
  });

  it('has nothing at first', async () => {
    expect(await all()).toEqual([]);
  });

  it('tells once what has a mark, whoever tells it', async () => {
    const other = new Outbox(store, keys);
    const told = await Promise.all(
      [outbox, other, outbox].map((each) => each.once(anomaly('acme'), 'anomaly acme', startMs + 60_000)),
    );
    expect(told.filter(Boolean)).toHaveLength(1);
    expect(await outbox.once(anomaly('other'), 'anomaly other', startMs + 60_000)).toBe(true);
    const events = await all();
    expect(events.map(({ team }) => team)).toEqual(['acme', 'other']);
    for (const event of events) expectEvent(event, 'spend.anomaly');
  });

  it('tells nothing when its mark is over already', async () => {
    // What Redis does with a key that ends in the past: the mark does not stand, and the next one tells again.
    expect(await outbox.once(anomaly('acme'), 'm', startMs - 2 * 86_400_000)).toBe(true);
    expect(await outbox.once(anomaly('acme'), 'm', startMs + 60_000)).toBe(true);
    expect(await outbox.once(anomaly('acme'), 'm', startMs + 60_000)).toBe(false);
  });

  it('tells what a mark says something of only to whoever has read it', async () => {
    const untilMs = startMs + 60_000;
    expect(await outbox.markOf('m')).toBe('');
    expect(await outbox.once(anomaly('acme'), 'm', untilMs, { to: 'one line, "two"' })).toBe(true);
    expect(await outbox.markOf('m')).toBe('one line, "two"');
    expect(await outbox.once(anomaly('acme'), 'm', untilMs, { to: '2' })).toBe(false);
    expect(await outbox.once(anomaly('acme'), 'm', untilMs, { from: 'another', to: '2' })).toBe(false);
    expect(await outbox.once(anomaly('acme'), 'm', untilMs, { from: 'one line, "two"', to: '2' })).toBe(true);
    expect(await outbox.markOf('m')).toBe('2');
    expect(await all()).toHaveLength(2);
  });

  it('tells a change once, and how long the state before was there', async () => {
    const fails = { of: 'upstream A', from: '', to: 'down' };
    expect(await outbox.change(down, fails)).toBe(true);
    expect(await outbox.change(down, fails)).toBe(false);
    await on.turnTo(startMs + 90_500);
    const recovers = { of: 'upstream A', from: 'down', to: '', lastedField: 'down_for_s' };
    expect(await outbox.change(up, recovers)).toBe(true);
    expect(await outbox.change(up, recovers)).toBe(false);
    const [first, second] = await all();
    expect(first && expectEvent(first, 'upstream.down')).toEqual(down.data);
    // The last of two fields with one name counts (RFC 8259, section 4).
    expect(second && expectEvent(second, 'upstream.recovered')).toMatchObject({ down_for_s: 90 });
  });

  it('keeps the states of different things apart, and takes any state before with *', async () => {
    expect(await outbox.change(down, { of: 'a', from: '', to: 'down' })).toBe(true);
    expect(await outbox.change(down, { of: 'b', from: 'down', to: 'up' })).toBe(false);
    expect(await outbox.change(up, { of: 'a', from: '*', to: 'down' })).toBe(false);
    expect(await outbox.change(up, { of: 'a', from: '*', to: 'up' })).toBe(true);
    expect(await outbox.change(up, { of: 'c', from: '*', to: 'up' })).toBe(true);
    expect((await all()).map(({ type }) => type)).toEqual([down.type, up.type, up.type]);
  });

  it('tells no change before the state has lasted as long as it must', async () => {
    const fails = { of: 'upstream A', from: '*', to: 'down', afterMs: 600_000 };
    expect(await outbox.change(down, fails)).toBe(true);
    expect(await outbox.change(up, { of: 'upstream A', from: 'down', to: 'up' })).toBe(true);
    await on.turnTo(startMs + 599_999);
    expect(await outbox.change(down, fails)).toBe(false);
    await on.turnTo(startMs + 600_000);
    expect(await outbox.change(down, fails)).toBe(true);
  });

  it('takes a state that nobody has said for half an hour for none', async () => {
    const fails = { of: 'upstream A', from: '*', to: 'down' };
    expect(await outbox.change(down, fails)).toBe(true);
    await on.turnTo(startMs + 1_700_000);
    expect(await outbox.change(down, fails)).toBe(false);
    await on.turnTo(startMs + 3_400_000);
    expect(await outbox.change(down, fails)).toBe(false);
    await on.turnTo(startMs + 5_200_000);
    expect(await outbox.change(down, fails)).toBe(true);
    await on.turnTo(startMs + 5_260_000);
    const recovers = { of: 'upstream A', from: 'down', to: 'up', lastedField: 'down_for_s' };
    expect(await outbox.change(up, recovers)).toBe(true);
    const last = (await all()).at(-1);
    expect(last && expectEvent(last, 'upstream.recovered')).toMatchObject({ down_for_s: 60 });
  });

  it('is read in parts, oldest first, each event with an id of its own', async () => {
    for (let n = 0; n < 5; n += 1) await outbox.once(anomaly(`team-${n}`), `m${n}`, startMs + 60_000);
    const first = await outbox.after('0-0', 2);
    const rest = await outbox.after(first.at(-1)?.id ?? '', 10);
    expect([...first, ...rest].map(({ team }) => team)).toEqual([0, 1, 2, 3, 4].map((n) => `team-${n}`));
    expect(new Set([...first, ...rest].map(({ id }) => id)).size).toBe(5);
    expect(first[0]?.timeMs).toBe(Number.parseInt(first[0]?.id ?? '', 10));
  });

  it('is bounded: the oldest events go', async () => {
    for (let n = 0; n < 1_400; n += 1) await outbox.once(anomaly(`team-${n}`), `m${n}`, startMs + 60_000);
    const kept = await all();
    expect(kept.length).toBeLessThan(1_200); // a stream is cut by whole nodes
    expect(kept.length).toBeGreaterThanOrEqual(1_000);
    expect(kept.at(-1)?.team).toBe('team-1399');
  });

  it('leaves out what another version wrote', async () => {
    const add = scriptOf(
      'add',
      "return redis.call('XADD', KEYS[1], '*', 't', ARGV[1], 'm', '', 'd', ARGV[2])",
    );
    await store.run(add, [keys.events], ['event.of_tomorrow', '{}']);
    await store.run(add, [keys.events], ['upstream.down', 'no JSON']);
    await outbox.once(down, 'm', startMs + 60_000);
    expect((await all()).map(({ type }) => type)).toEqual(['upstream.down']);
  });
});

describe.each(engines)('a lease in the store ($name)', (engine) => {
  const on = useEngine(engine);
  const leaseMs = 10_000;
  let store: Store;
  const ownedBy = (owner: string): StoreLease =>
    new StoreLease(store, keys, { what: 'events', owner, leaseMs });

  beforeEach(async () => {
    store = await on.empty(startMs);
  });

  it('is one process’s until it is over, by the clock of the store', async () => {
    const [a, b] = [ownedBy('a'), ownedBy('b')];
    expect(await a.take()).toBe('1');
    expect(await b.take()).toBeNull();
    await on.turnTo(startMs + leaseMs - 1);
    expect(await a.take()).toBe('1');
    await on.turnTo(startMs + 2 * leaseMs - 2);
    expect(await b.take()).toBeNull();
    await on.turnTo(startMs + 2 * leaseMs - 1);
    expect(await b.take()).toBe('2');
    expect(await a.take()).toBeNull();
  });

  it('has a new fence when its owner let it end', async () => {
    const a = ownedBy('a');
    expect(await a.take()).toBe('1');
    await on.turnTo(startMs + leaseMs);
    expect(await a.take()).toBe('2');
  });

  it('is given up by its owner only, and taken at once', async () => {
    const [a, b] = [ownedBy('a'), ownedBy('b')];
    await a.take();
    await b.release();
    expect(await b.take()).toBeNull();
    await a.release();
    expect(await b.take()).toBe('2');
  });
});

describe.each(servers)('the outbox on a server ($name)', (engine) => {
  const on = useServer(engine);

  it('has nothing that stays for ever', async () => {
    const store = await on.empty();
    const outbox = new Outbox(store, keys);
    await outbox.once(down, 'mark', Date.now() + 60_000);
    await outbox.change(down, { of: 'a', from: '', to: 'down' });
    await new StoreLease(store, keys, { what: 'events', owner: 'a', leaseMs: 1_000 }).take();
    const names = await on.redis.client.keys('*');
    expect(names.sort()).toEqual(
      [keys.events, keys.eventStates, keys.said('mark'), keys.lease('events')].sort(),
    );
    for (const name of names) expect(await on.redis.client.pttl(name)).toBeGreaterThan(0);
  });
});
