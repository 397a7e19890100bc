import { describe, expect, it } from 'vitest';
import { keysUnder } from '../../src/store/keys.ts';
import { RedisStore } from '../../src/store/redis.ts';
import { StoreUnavailable } from '../../src/store/store-unavailable.ts';
import { LedgerReader } from '../../src/ledger/ledger-reader.ts';
import { engines, servers, useEngine, useServer } from './engines.ts';
import {
  asks,
  closed,
  closingOf,
  decided,
  emptyAdmission,
  entryOf,
  process,
} from './admission-store-samples.ts';
import { ledgerContract } from './ledger.ts';

const keys = keysUnder('t:');

describe.each(engines)('the ledger ($name)', (engine) => {
  const on = useEngine(engine);

  // Entries get in only by settling, so that is how they get in here.
  ledgerContract(async () => {
    const under = await emptyAdmission(on);
    await under.setEpoch('acme', 'e1');
    const { store } = under;
    const { incarnation } = await store.beat(process);
    return {
      reader: under.ledger,
      write: async (...closings) => {
        for (let at = 0; at < closings.length; at += 200) {
          const batch = closings.slice(at, at + 200).map((closing) => ({ closing, request: asks([]) }));
          decided(
            await store.admit(
              process,
              batch.map(({ request }) => request),
            ),
          );
          const settlements = batch.map(({ closing, request: { grant } }) => {
            return { grant, incarnation, team: 'acme', adjustments: [], closing };
          });
          expect(closed(await store.settle(process, settlements))).not.toContain(false);
        }
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
    const pipeline = on.redis.client.pipeline();
    pipeline.xadd(keys.entries, '*', 'e', wanted);
    for (let n = 0; n < 20_100; n += 1) pipeline.xadd(keys.entries, '*', 'e', entry);
    await pipeline.exec();
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
