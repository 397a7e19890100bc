import { describe, expect, it } from 'vitest';
import { fieldList } from '../../../src/cli/table.ts';

describe('fieldList', () => {
  it('shows a record field by field', () => {
    const record = { id: 'acme', limits: [], models: null, created_at: '2026-02-03T12:30:45.000Z' };
    expect(fieldList(record).split('\n')).toEqual([
      'id          acme',
      'limits      none',
      'models      any',
      'created_at  2026-02-03T12:30:45.000Z',
    ]);
  });

  it('breaks a long list between its items, within 80 columns, and leaves what is to be copied whole', () => {
    const link = `https://gateway.example/claim/${'a'.repeat(80)}`;
    const models = Array.from({ length: 12 }, (_, n) => `a-model-${n}`);
    const [first = '', ...more] = fieldList({ claim_url: link, models }).split('\n');
    expect(first).toBe(`claim_url  ${link}`);
    expect(more.length).toBeGreaterThan(1);
    for (const line of more) expect(line.length).toBeLessThanOrEqual(80);
    expect(more.map((line) => line.slice(11)).join(' ')).toBe(models.join(', '));
  });
});
