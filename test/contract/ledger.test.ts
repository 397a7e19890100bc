import { describe, expect, it } from 'vitest';
import { keysUnder } from '../../src/store/keys.ts';
import { RedisStore } from '../../src/store/redis.ts';
import { StoreUnavailable } from '../../src/store/store-unavailable.ts';
import { LedgerReader } from '../../src/ledger/ledger-reader.ts';
import { engines, type RunningEngine, servers, useEngine, useServer } from './engines.ts';
import {
  asks,
  closed,
  closingOf,
  decided,
  emptyAdmission,
  entryOf,
  process,
} from './admission-store-samples.ts';
import { type Closing, ledgerContract } from './ledger.ts';
import { useRecords } from '../support/records.ts';

const keys = keysUnder('t:');

type Writing = Pick<RunningEngine, 'empty' | 'turnTo'>;

/** An empty store, and the way entries get into its ledger: only by settling. */
async function emptyLedger(on: Writing) {
  const under = await emptyAdmission(on);
  await under.setEpoch('acme', 'e1');
  const { kept, ledger, store } = under;
  const { incarnation } = await store.beat(process);
  const write = async (...closings: readonly Closing[]): Promise<void> => {
    for (let at = 0; at < closings.length; at += 200) {
      const batch = closings.slice(at, at + 200).map((closing) => ({ closing, request: asks([]) }));
      const reply = await store.admit(
        process,
        batch.map(({ request }) => request),
      );
      decided(reply);
      const settlements = batch.map(({ closing, request: { grant } }) => {
        return { grant, incarnation, team: 'acme', adjustments: [], closing };
      });
      expect(closed(await store.settle(process, settlements))).not.toContain(false);
    }
  };
  return { kept, ledger, write };
}

describe.each(engines)('the ledger ($name)', (engine) => {
  const on = useEngine(engine);

  ledgerContract(async () => {
    const { ledger: reader, write } = await emptyLedger(on);
    return { reader, write };
  });

  it('tells how many entries it keeps, and since when', async () => {
    const { ledger, write } = await emptyLedger(on);
    expect(await ledger.extent()).toEqual({ entries: 0, oldestAtMs: null });
    await write(closingOf(entryOf('a')), closingOf(entryOf('b')));
    const { entries, oldestAtMs } = await ledger.extent();
    expect(entries).toBe(2);
    expect(oldestAtMs).toBeGreaterThan(0);
  });
});

const drained = engines.map((engine, n) => {
  const share = n === 0 ? 0.5 : 1;
  return { engine, share, part: share === 1 ? 'all' : 'half', name: engine.name };
});

describe.each(drained)('the ledger of which Postgres has $part ($name)', ({ engine, share }) => {
  const on = useEngine(engine);
  const records = useRecords();

  ledgerContract(async () => {
    const [{ kept, write }] = await Promise.all([emptyLedger(on), records().empty()]);
    const { ledger: reader } = records().readers(kept, keys);
    return {
      reader,
      write: async (...closings) => {
        const count = Math.ceil(closings.length * share);
        await write(...closings.slice(0, count));
        await records().drain(kept, keys);
        await records().trim(kept, keys);
        await write(...closings.slice(count));
      },
    };
  });
});

describe.each(servers)('the ledger on a server ($name)', (engine) => {
  const on = useServer(engine);

  it('hands back a cursor where it has looked far enough without finding a page', async () => {
    await on.redis.client.flushall();
    const { entry } = closingOf(entryOf('common'));
    const wanted = closingOf(entryOf('wanted', { user: 'bob' })).entry;
    await on.redis.client.xadd(keys.entries, '*', 'e', wanted);
    const manyTimes = "for n = 1, 20100 do redis.call('XADD', KEYS[1], '*', 'e', ARGV[1]) end";
    await on.redis.client.eval(manyTimes, 1, keys.entries, entry);
    const ledger = new LedgerReader(on.redis, keys);
    const query = { filters: { user: 'bob' }, limit: 1 };
    const first = await ledger.entries({ ...query, cursor: null });
    expect(first.data).toEqual([]);
    expect(first.next_cursor).not.toBeNull();
    const second = await ledger.entries({ ...query, cursor: first.next_cursor });
    expect(second.data.map(({ id }) => id)).toEqual(['wanted']);
  });

  it('rejects with StoreUnavailable where Redis is away', async () => {
    const gone = new RedisStore({ url: 'redis://127.0.0.1:1', verifyTls: false, commandTimeoutMs: 100 });
    const ledger = new LedgerReader(gone, keys);
    try {
      const usage = ledger.usage({ from: '2026-01-01', to: '2026-01-01', filters: {}, groupBy: [] });
      await expect(usage).rejects.toBeInstanceOf(StoreUnavailable);
      const entries = ledger.entries({ filters: {}, limit: 1, cursor: null });
      await expect(entries).rejects.toBeInstanceOf(StoreUnavailable);
    } finally {
      gone.close();
    }
  });
});
