import { describe, expect, it } from 'vitest';
import { monthOf, monthsAhead, monthsOver } from '../../../src/records/months.ts';

const atMs = Date.UTC(2026, 10, 30, 23, 59, 59, 999);

describe('the months of the entries', () => {
  it('begin and end at midnight UTC', () => {
    expect(monthOf(atMs)).toEqual({
      table: 'entries_2026_11',
      from: '2026-11-01T00:00:00.000Z',
      to: '2026-12-01T00:00:00.000Z',
    });
    expect(monthOf(atMs + 1).table).toBe('entries_2026_12');
  });

  it('are there two months ahead, over the end of a year', () => {
    const tables = monthsAhead(atMs).map(({ table }) => table);
    expect(tables).toEqual(['entries_2026_11', 'entries_2026_12', 'entries_2027_01']);
  });

  it('are over once their last day is older than the retention', () => {
    const tables = ['entries_2025_09', 'entries_2025_10', 'entries_2025_11', 'other'];
    const overMs = Date.UTC(2025, 10, 1) + 400 * 86_400_000;
    expect(monthsOver(tables, overMs - 1, 400)).toEqual(['entries_2025_09']);
    expect(monthsOver(tables, overMs, 400)).toEqual(['entries_2025_09', 'entries_2025_10']);
  });
});
