import { readdirSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { AdmissionStore } from '../../src/limits/admission-store.ts';
import { countedAt, windowIndex } from '../../src/limits/window.ts';
import { keysUnder } from '../../src/store/keys.ts';
import { RedisStore } from '../../src/store/redis.ts';
import { loadScript, type Script } from '../../src/store/script.ts';
import { StoreUnavailable } from '../../src/store/store-unavailable.ts';
import { LedgerReader } from '../../src/ledger/ledger-reader.ts';
import { engines, servers, turnedScript, useEngine, useServer } from './engines.ts';
import {
  asks,
  closed,
  closingOf,
  decided,
  emptyAdmission,
  entriesOf,
  entryOf,
  lastSecondMs,
  leaseMs,
  newGrant,
  process,
  settles,
} from './admission-store-samples.ts';
import { admissionStoreContract } from './admission-store.ts';
import { endUsersContract } from './end-users.ts';
import { countersOf } from '../support/counters-of.ts';

const keys = keysUnder('t:');

describe.each(engines)('the admission store ($name)', (engine) => {
  const on = useEngine(engine);
  admissionStoreContract(() => emptyAdmission(on));

  describe('counters of end users', () => {
    endUsersContract((endUserBytes) => emptyAdmission(on, { endUserBytes }));
  });
});

describe.each(servers)('the admission store on a server ($name)', (engine) => {
  const on = useServer(engine);
  const scripts = new URL('../../src/limits/', import.meta.url);
  const scriptNamed = (name: string): Script => loadScript(new URL(`${name}.lua`, scripts));

  describe('on a clock that the tests turn', () => {
    it('turns every script that looks at a clock', () => {
      const files = readdirSync(scripts).filter((file) => file.endsWith('.lua'));
      const timeless = files.filter((file) => {
        const script = scriptNamed(file.slice(0, -4));
        return turnedScript(script).sha === script.sha;
      });
      expect(timeless).toEqual(['kept_items.lua', 'leave.lua']);
    });

    it('adds up with rows of processes that knew fewer figures, or more', async () => {
      const under = await emptyAdmission(on);
      await under.setEpoch('acme', 'e1');
      const { incarnation } = await under.store.beat(process);
      const settled = async (figures: readonly number[]): Promise<void> => {
        const request = asks([]);
        decided(await under.store.admit(process, [request]));
        const { closing, ...settlement } = settles(request.grant, { incarnation });
        if (closing === null) throw new Error('It closes a request.');
        const { entry, totals } = closing;
        await under.store.settle(process, [
          { ...settlement, closing: { entry, totals: { ...totals, figures } } },
        ]);
      };
      await settled([1, 2, 3]);
      await settled([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
      await settled([1, 2]);
      const [row] = await on.redis.client.hvals(keys.totals('2095-12-31'));
      expect(row).toBe('3 6 6 4 5 6 7 8 9 10');
    });

    it('drops more counters of end users at once than a command in Lua has arguments', async () => {
      const under = await emptyAdmission(on);
      await under.setEpoch('acme', 'e1');
      await under.store.beat(process);
      const passed = Array.from({ length: 9_000 }, (_, n) => [`=d7.visitor-${n}/limit-01`, '1 1 0 1']);
      const key = keys.counters('acme=d7');
      await on.redis.client.hset(key, ...passed.flat(), '#', '300000', '@', '0');
      decided(
        await under.store.admit(process, [
          asks([{ id: '=d7.ana/limit-01', span: 'day', amount: 1, max: 9 }]),
        ]),
      );
      expect(await on.redis.client.hlen(key)).toBe(3);
    });

    it('closes a grant that the store has forgotten, once, and changes no counter for it', async () => {
      const under = await emptyAdmission(on);
      await under.setEpoch('acme', 'e1');
      const before = await under.store.beat(process);
      const a = { id: 'a', span: 'day', amount: 3, max: 10 } as const;
      const request = asks([a]);
      decided(await under.store.admit(process, [request]));

      await on.redis.client.flushall();
      await on.redis.turnTo(lastSecondMs + 1);
      await under.setEpoch('acme', 'e1');
      expect((await under.store.beat(process)).incarnation).not.toBe(before.incarnation);
      decided(await under.store.admit(process, [asks([a])]));
      const index = windowIndex('day', lastSecondMs);
      const settlement = settles(request.grant, {
        incarnation: before.incarnation,
        adjustments: [{ id: 'a', span: 'day', at: index, delta: -3 }],
      });
      expect(closed(await under.store.settle(process, [settlement]))).toEqual([true]);
      expect(closed(await under.store.settle(process, [settlement]))).toEqual([false]);
      expect((await entriesOf(under.ledger)).map(({ id }) => id)).toEqual([request.grant]);
      expect((await countersOf(under.store, 'acme', [a]))[0]?.used).toBe(3);
    });

    it('closes what is open whatever incarnation the settlement names, so that a sweep always ends', async () => {
      const under = await emptyAdmission(on);
      await under.setEpoch('acme', 'e1');
      await under.store.beat(process);
      const request = asks([{ id: 'a', span: 'open', amount: 1, max: 10 }]);
      decided(await under.store.admit(process, [request]));
      await on.redis.turnTo(lastSecondMs + leaseMs + 1);
      const settlement = settles(request.grant, {
        incarnation: 'another',
        adjustments: [{ id: 'a', span: 'open', at: 0, delta: -1 }],
      });
      expect(closed(await under.store.settleSilent(process, [settlement]))).toEqual([true]);
      expect(await under.store.openOfSilent(process)).toEqual([]);
      expect((await countersOf(under.store, 'acme', [{ id: 'a', span: 'open' }]))[0]?.used).toBe(0);
      expect(closed(await under.store.settleSilent(process, [settlement]))).toEqual([false]);
      expect(await entriesOf(under.ledger)).toHaveLength(1);
    });

    it('keeps the counters of a team for as long as it is busy', async () => {
      const under = await emptyAdmission(on);
      await under.setEpoch('acme', 'e1');
      await under.store.beat(process);
      const a = { id: 'a', span: 'month', amount: 3, max: 10 } as const;
      decided(await under.store.admit(process, [asks([a])]));
      await on.redis.client.expire(keys.counters('acme'), 60);
      decided(await under.store.admit(process, [asks([a])]));
      expect(await on.redis.client.ttl(keys.counters('acme'))).toBeGreaterThan(31 * 86_400);
    });

    it('keeps about as many entries as it is told, and their totals all the same', async () => {
      await on.empty(lastSecondMs);
      const store = new AdmissionStore(on.redis, keys, { leaseMs, maxEntries: 100, retentionDays: 2 });
      const { incarnation } = await store.beat(process);
      await on.redis.client.hset(keys.epochs, 'acme', 'e1');
      for (let batch = 0; batch < 5; batch += 1) {
        const requests = Array.from({ length: 200 }, () => asks([]));
        decided(await store.admit(process, requests));
        await store.settle(
          process,
          requests.map(({ grant }) => settles(grant, { incarnation })),
        );
      }
      const kept = await on.redis.client.xlen(keys.entries);
      expect(kept).toBeGreaterThanOrEqual(100);
      expect(kept).toBeLessThan(100 + 200);
      const query = { from: '2095-12-31', to: '2095-12-31', filters: {}, groupBy: [] };
      expect((await new LedgerReader(on.redis, keys).usage(query))[0]?.requests).toBe(1_000);
    });
  });

  describe("on the server's own clock", () => {
    let store: AdmissionStore;

    async function empty(options: { leaseMs?: number } = {}): Promise<string> {
      await on.server.flush();
      await on.server.command('HSET', keys.epochs, 'acme', 'e1');
      const plain = await plainRedis();
      store = new AdmissionStore(plain, keys, {
        leaseMs,
        maxEntries: 1_000,
        retentionDays: 400,
        ...options,
      });
      return (await store.beat(process)).incarnation;
    }

    let plain: RedisStore | null = null;
    async function plainRedis(): Promise<RedisStore> {
      if (plain) return plain;
      plain = new RedisStore({ url: on.server.url, verifyTls: false, commandTimeoutMs: 5_000 });
      plain.connect();
      await plain.whenReady(5_000);
      return plain;
    }

    afterAll(() => plain?.close());

    it('admits in the windows of now', async () => {
      await empty();
      const limits = (['minute', 'hour', 'day', 'month', 'open'] as const).map((span) => ({
        id: span,
        span,
        amount: 1,
        max: 10,
      }));
      const reply = await store.admit(process, [asks(limits)]);
      const { nowMs } = await store.counters([]);
      if (reply.kind !== 'decided') throw new Error(reply.kind);
      expect(Math.abs(reply.nowMs - Date.now())).toBeLessThan(60_000);
      expect(nowMs - reply.nowMs).toBeGreaterThanOrEqual(0);
      expect(nowMs - reply.nowMs).toBeLessThan(60_000);
      expect(reply.decisions).toEqual([
        {
          kind: 'admitted',
          counters: limits.map(({ span }) => ({
            at: countedAt(span, reply.nowMs),
            used: 1,
            runs: [],
          })),
        },
      ]);
    });

    it('admits exactly the limit of a burst from two connections', async () => {
      await empty();
      const other = new RedisStore({ url: on.server.url, verifyTls: false, commandTimeoutMs: 5_000 });
      other.connect();
      await other.whenReady(5_000);
      try {
        const second = new AdmissionStore(other, keys, {
          leaseMs,
          maxEntries: 1_000,
          retentionDays: 400,
        });
        await second.beat('p2');
        const limits = [{ id: 'a', span: 'day', amount: 1, max: 50 }] as const;
        const replies = await Promise.all(
          Array.from({ length: 200 }, (_, n) =>
            n % 2 === 0 ? store.admit(process, [asks(limits)]) : second.admit('p2', [asks(limits)]),
          ),
        );
        expect(replies.flatMap(decided).filter(({ kind }) => kind === 'admitted')).toHaveLength(50);
      } finally {
        other.close();
      }
    });

    it('lets every key expire but those of identity, all under the prefix', async () => {
      const incarnation = await empty();
      const request = asks([{ id: 'a', span: 'day', amount: 1, max: 10 }]);
      const other = asks([]);
      decided(await store.admit(process, [request, other]));
      const time = new Date().toISOString();
      await store.settle(process, [
        settles(request.grant, {
          incarnation,
          adjustments: [{ id: 'a', span: 'day', at: 0, delta: 1 }],
          closing: closingOf(entryOf(request.grant, { time })),
        }),
        settles(newGrant(), {
          incarnation: 'an earlier one',
          closing: closingOf(entryOf(newGrant(), { time })),
        }),
      ]);
      const names = (await on.server.command('KEYS', '*')) as string[];
      expect(names.filter((name) => !name.startsWith('t:1:'))).toEqual([]);
      const lasting: string[] = [];
      for (const name of names) if ((await on.server.command('TTL', name)) === -1) lasting.push(name);
      expect(lasting).toEqual([keys.epochs]); // which is identity
      expect(names).toContain(keys.incarnation);
      expect(names).toContain(keys.entries);
      expect(names).toContain(keys.open(process));
      expect(names).toContain(keys.counters('acme'));
      expect(names).toContain(keys.processes);
      expect(names).toContain(keys.totals(time.slice(0, 10)));
    });

    it('when full admits nothing, yet beats, settles, cancels, sweeps and leaves', async () => {
      const incarnation = await empty({ leaseMs: 1 });
      await store.beat('p2');
      const long = new AdmissionStore(await plainRedis(), keys, {
        leaseMs,
        maxEntries: 1_000,
        retentionDays: 400,
      });
      const requests = [asks([]), asks([]), asks([])];
      decided(await long.admit('p2', requests));
      await on.server.command('CONFIG', 'SET', 'maxmemory', '1');
      try {
        await expect(long.admit('p2', [asks([])])).rejects.toBeInstanceOf(StoreUnavailable);
        await long.beat('p2');
        const [settled, cancelled, lost] = requests.map(({ grant }) => settles(grant, { incarnation }));
        if (!settled || !cancelled || !lost) throw new Error('Three requests were made.');
        expect(closed(await long.settle('p2', [settled, { ...cancelled, closing: null }]))).toEqual([
          true,
          true,
        ]);
        expect(await long.openOf('p2', [lost.grant])).toHaveLength(1);
        await expect.poll(() => store.openOfSilent('p2')).toHaveLength(1);
        expect(closed(await store.settleSilent('p2', [lost]))).toEqual([true]);
        await long.leave('p2');
        expect(await on.server.command('ZSCORE', keys.processes, 'p2')).toBeNull();
      } finally {
        await on.server.command('CONFIG', 'SET', 'maxmemory', '0');
      }
    });

    it('rejects with StoreUnavailable while Redis does not answer, and admits nothing afterwards', async () => {
      await empty();
      const impatient = new RedisStore({ url: on.server.url, verifyTls: false, commandTimeoutMs: 100 });
      impatient.connect();
      await impatient.whenReady(5_000);
      const hurried = new AdmissionStore(impatient, keys, {
        leaseMs,
        maxEntries: 1_000,
        retentionDays: 400,
      });
      const request = asks([{ id: 'a', span: 'day', amount: 1, max: 10 }], { notAfterMs: Date.now() + 50 });
      on.server.pause();
      try {
        await expect(hurried.admit(process, [request])).rejects.toBeInstanceOf(StoreUnavailable);
        await expect(hurried.beat(process)).rejects.toBeInstanceOf(StoreUnavailable);
        await expect(countersOf(hurried, 'acme', request.limits)).rejects.toBeInstanceOf(StoreUnavailable);
        await expect(hurried.openOf(process, [request.grant])).rejects.toBeInstanceOf(StoreUnavailable);
      } finally {
        on.server.resume();
        impatient.close();
      }
      // The command ran after all, but after its not-after time.
      expect((await countersOf(store, 'acme', request.limits))[0]?.used).toBe(0);
      expect(await store.openOf(process, [request.grant])).toEqual([]);
    });
  });

  describe('the scripts', () => {
    it('begin with their flags, which Redis only reads from the first bytes', () => {
      for (const name of ['settle', 'beat', 'leave', 'open_of_silent']) {
        expect(scriptNamed(name).source.startsWith('#!lua flags=allow-oom\n'), name).toBe(true);
      }
      expect(scriptNamed('admit').source.startsWith('#!lua\n')).toBe(true);
    });

    it('count months as windowIndex does', async () => {
      const [fn] = /local function month_index\(\)\n[\s\S]*?\nend\n/.exec(scriptNamed('admit').source) ?? [
        '',
      ];
      const dates: number[] = [0, 1];
      for (let month = 0; month < 12 * 440; month += 1) {
        const edgeMs = Date.UTC(1970, month, 1);
        dates.push(edgeMs - 1, edgeMs, edgeMs + 27 * 86_400_000 + 86_399_999, edgeMs + 28 * 86_400_000);
      }
      const script = `local now\n${fn}local found = {}
        for n = 1, #ARGV do now = tonumber(ARGV[n]); found[n] = month_index() end
        return found`;
      const real = dates.filter((atMs) => atMs >= 0);
      expect(await on.redis.client.eval(script, 0, ...real)).toEqual(
        real.map((atMs) => windowIndex('month', atMs)),
      );
    });
  });
});
