import { describe, expect, it } from 'vitest';
import { changeText } from '../../../src/cli/audit-entries.ts';

describe('what an entry changed, in short', () => {
  it('is each field before and after', () => {
    const before = { name: null, limits: [{ metric: 'tokens', window: 'day', max: 1 }] };
    const after = { name: 'Acme', limits: [{ metric: 'tokens', window: 'day', max: 2 }] };
    expect(changeText({ before, after })).toBe('name: - → Acme; limits: tokens/day=1 → tokens/day=2');
  });

  it('is what was made or ended, without what the entry says elsewhere', () => {
    const token = { id: 'tok_1', team: 'acme', user: 'ana', limits: [], created_at: '2026-01-01' };
    expect(changeText({ before: null, after: token })).toBe('user: ana');
    expect(changeText({ before: token, after: null })).toBe('user: ana');
    expect(changeText({ before: null, after: null })).toBe('-');
    expect(changeText({ unreadable: true })).toBe('-');
  });
});
