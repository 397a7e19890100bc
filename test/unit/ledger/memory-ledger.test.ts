import { describe, expect, it } from 'vitest';
import { encodeEntry } from '../../../src/ledger/entry-text.ts';
import { encodeTotalsRow } from '../../../src/ledger/totals.ts';
import { settlementOf } from '../../../src/limits/settlement.ts';
import { MemoryLedger } from '../../../src/ledger/memory-ledger.ts';
import { grantOf, outcomeOf } from '../limits/samples.ts';

const row = encodeTotalsRow({
  team: 'acme',
  user: 'ana',
  token: 't',
  model: 'm',
  endpoint: '/v1/embeddings',
});

function append(ledger: MemoryLedger, id: string, day = '2026-01-01'): void {
  const { entry } = settlementOf(grantOf({ id }), outcomeOf());
  ledger.append(encodeEntry(entry), { day, row, figures: [1, 0, 0, 0, 0, 0, 0] });
}

async function ids(ledger: MemoryLedger): Promise<string[]> {
  const { data } = await ledger.entries({ filters: {}, limit: 1_000, cursor: null });
  return data.map(({ id }) => id);
}

describe('the memory ledger', () => {
  it('keeps the newest entries, about as many as it is told, and the sums of all', async () => {
    const ledger = new MemoryLedger({ maxEntries: 50, retentionDays: 10 });
    for (let n = 0; n < 500; n += 1) append(ledger, `e${n}`);
    const kept = await ids(ledger);
    expect(kept.length).toBeGreaterThanOrEqual(50);
    expect(kept.length).toBeLessThanOrEqual(55);
    expect(kept[0]).toBe('e499');
    const query = { from: '2026-01-01', to: '2026-01-01', filters: {}, groupBy: [] };
    expect((await ledger.usage(query))[0]?.requests).toBe(500);
  });

  it('goes on paging where entries were dropped meanwhile', async () => {
    const ledger = new MemoryLedger({ maxEntries: 10, retentionDays: 10 });
    for (let n = 0; n < 10; n += 1) append(ledger, `e${n}`);
    const page = await ledger.entries({ filters: {}, limit: 2, cursor: null });
    for (let n = 10; n < 14; n += 1) append(ledger, `e${n}`);
    const next = await ledger.entries({ filters: {}, limit: 2, cursor: page.next_cursor });
    expect(next.data.map(({ id }) => id)).toEqual(['e7', 'e6']);
  });

  it('keeps the sums of as many days as it is told', async () => {
    const ledger = new MemoryLedger({ maxEntries: 10, retentionDays: 2 });
    for (const day of ['2026-01-01', '2026-01-02', '2026-01-03']) append(ledger, day, day);
    append(ledger, 'late', '2026-01-01');
    const query = { from: '2026-01-01', to: '2026-01-03', filters: {}, groupBy: ['day'] as const };
    expect((await ledger.usage(query)).map(({ day }) => day)).toEqual(['2026-01-02', '2026-01-03']);
  });
});
