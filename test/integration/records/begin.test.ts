import { beforeEach, describe, expect, it } from 'vitest';
import { dayMs, dayOf } from '../../../src/base/days.ts';
import { LedgerReader } from '../../../src/ledger/ledger-reader.ts';
import type { RefusedAs } from '../../../src/ledger/refusal-count.ts';
import { scriptOf } from '../../../src/store/script.ts';
import type { Store } from '../../../src/store/store.ts';
import { entryOf } from '../../contract/admission-store-samples.ts';
import { embeddedStore, testKeys as keys } from '../../support/embedded-store.ts';
import { closeInStore, refuseInStore, useRecords } from '../../support/records.ts';

/* A store that has been used for long when records begin: what its entries no longer tell, its sums still do. */

const records = useRecords();
const nowMs = Date.UTC(2026, 5, 15, 12);
const days = { from: dayOf(nowMs - 20 * dayMs), to: dayOf(nowMs) };
const trimTo = scriptOf('trim_to', "return redis.call('XTRIM', KEYS[1], 'MAXLEN', ARGV[1])");
const refused: RefusedAs = {
  team: 'acme',
  user: null,
  token: null,
  endpoint: 'other',
  code: 'invalid_token',
  model: null,
  limit: null,
};

let store: Store;

async function use(from: number, to: number): Promise<void> {
  for (let n = from; n < to; n += 1) {
    const atMs = nowMs - (n % 20) * dayMs;
    await closeInStore(
      store,
      keys,
      entryOf(`p1-${n}`, { time: new Date(atMs).toISOString(), user: `user-${n % 3}` }),
    );
    await refuseInStore(store, keys, n + 1, { day: dayOf(atMs), as: refused, refused: 1, lastMs: atMs });
  }
}

beforeEach(async () => {
  store = embeddedStore(() => nowMs);
  await records().empty();
});

describe('when records begin', () => {
  it('sums go on from what the store had, and the entries that it no longer had are told as a gap', async () => {
    await use(0, 600);
    await store.run(trimTo, [keys.entries], [550]);
    await store.run(trimTo, [keys.refusalLog], [10]);
    await records().drain(store, keys);
    await use(600, 660);
    const { ledger, recordsView } = records().readers(store, keys);
    const asked = { ...days, filters: {}, groupBy: ['day', 'user'] as const };
    const expected = new LedgerReader(store, keys);
    expect(await ledger.usage(asked)).toEqual(await expected.usage(asked));
    const codes = { ...days, filters: {}, groupBy: ['day', 'code'] as const };
    expect(await ledger.refusals(codes)).toEqual(await expected.refusals(codes));
    expect(await recordsView.verify(days)).toMatchObject({
      differences: [],
      gaps: [
        { stream: 'refusals', missing: 590 },
        { stream: 'entries', missing: 50 },
      ],
    });
    await records().drain(store, keys);
    expect(await ledger.usage(asked)).toEqual(await expected.usage(asked));
    expect(await recordsView.verify(days)).toMatchObject({ differences: [] });
  });
});
