import { describe, expect, it } from 'vitest';
import {
  mostSorted,
  type Order,
  type Position,
  recordPage,
  type RecordPage,
} from '../../../../src/identity/operations/record-page.ts';
import type { RecordSource } from '../../../../src/identity/operations/record-source.ts';

interface Dated {
  id: string;
  at: string;
}

/** Records in a map, which counts how many each read asks for. */
class Records implements RecordSource<Dated> {
  readonly byId: Map<string, Dated>;
  readonly reads: number[] = [];

  constructor(records: readonly Dated[]) {
    this.byId = new Map(records.map((record) => [record.id, record]));
  }

  ids(): Promise<string[]> {
    // In no order: the last first.
    return Promise.resolve([...this.byId.keys()].toReversed());
  }

  read(ids: readonly string[]): Promise<Dated[]> {
    this.reads.push(ids.length);
    return Promise.resolve(ids.flatMap((id) => this.byId.get(id) ?? []));
  }
}

function numbered(count: number): Dated[] {
  return Array.from({ length: count }, (_, n) => ({ id: idOf(n), at: String(n % 7) }));
}

function idOf(n: number): string {
  return `r-${String(n).padStart(5, '0')}`;
}

function byTime(descending: boolean): Order<Dated> {
  return { valuesOf: (records) => records.map(({ at }) => at), descending };
}

interface Walk {
  limit: number;
  order?: Order<Dated> | null;
  passes?: ((record: Dated) => boolean) | null;
  /** Runs after every page. */
  between?: () => void;
}

/** The ids of all pages, one after the other, and how many pages there were. */
async function walked(
  source: Records,
  { limit, order = null, passes = null, between }: Walk,
): Promise<{ ids: string[]; pages: number }> {
  const ids: string[] = [];
  let pages = 0;
  for (let after: Position | null = null, more = true; more; pages += 1) {
    const page: RecordPage<Dated> | null = await recordPage(source, { limit, after, order, passes });
    if (page === null) throw new Error('There are too many.');
    expect(page.data.length).toBeLessThanOrEqual(limit);
    ids.push(...page.data.map(({ id }) => id));
    after = page.next;
    more = after !== null;
    between?.();
  }
  return { ids, pages };
}

describe('pages of records', () => {
  it.each([
    ['id', null],
    ['value', byTime(false)],
    ['value, the latest first', byTime(true)],
  ])('together are all of them by %s, each once, whatever the limit', async (_, order) => {
    const all = numbered(100);
    const down = order?.descending ? -1 : 1;
    const value = ({ at }: Dated): number => (order === null ? 0 : down * Number(at));
    const expected = all.toSorted((a, b) => value(a) - value(b) || (a.id < b.id ? -1 : 1));
    for (const limit of [1, 7, 99, 100, 101]) {
      const { ids } = await walked(new Records(all), { limit, order });
      expect(ids).toEqual(expected.map(({ id }) => id));
    }
  });

  it('end with the last record, without an empty page', async () => {
    for (const order of [null, byTime(false)]) {
      expect(await walked(new Records(numbered(20)), { limit: 10, order })).toMatchObject({ pages: 2 });
    }
    expect(await walked(new Records([]), { limit: 10 })).toEqual({ ids: [], pages: 1 });
  });

  it('tell a record that stays exactly once while others come and go', async () => {
    for (const order of [null, byTime(false), byTime(true)]) {
      const source = new Records(numbered(60));
      const staying = numbered(60).filter((_, n) => n % 3 === 0);
      let round = 0;
      const { ids } = await walked(source, {
        limit: 5,
        order,
        between: () => {
          const n = round * 3;
          round += 1;
          source.byId.delete(idOf(n + 1));
          source.byId.delete(idOf(n + 2));
          source.byId.set(`${idOf(n)}-new`, { id: `${idOf(n)}-new`, at: '3' });
        },
      });
      expect(new Set(ids).size).toBe(ids.length);
      expect(ids).toEqual(expect.arrayContaining(staying.map(({ id }) => id)));
    }
  });

  it('read only the records of the page if they are by id', async () => {
    const source = new Records(numbered(10_000));
    await recordPage(source, { limit: 50, after: null, order: null, passes: null });
    expect(source.reads).toEqual([50]);
  });

  it('are bounded in reads when few records pass, and go on from there', async () => {
    const source = new Records(numbered(12_000));
    const passes = ({ id }: Dated): boolean => id === idOf(11_999);
    const first = await recordPage(source, { limit: 50, after: null, order: null, passes });
    expect(first).toEqual({ data: [], next: { value: '', id: idOf(4_999) } });
    expect(source.reads).toEqual(Array.from({ length: 10 }, () => 500));
    expect(await walked(source, { limit: 50, passes })).toEqual({ ids: [idOf(11_999)], pages: 3 });
  });

  it('look at every record to sort by a value, some at a time, and at no more than so many', async () => {
    const source = new Records(numbered(1_200));
    await recordPage(source, { limit: 50, after: null, order: byTime(true), passes: null });
    expect(source.reads).toEqual([500, 500, 200]);
    const many = new Records(numbered(mostSorted + 1));
    expect(await recordPage(many, { limit: 1, after: null, order: byTime(true), passes: null })).toBeNull();
    expect(many.reads).toEqual([]);
  });
});
