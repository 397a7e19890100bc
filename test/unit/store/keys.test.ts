import { describe, expect, it } from 'vitest';
import { keysUnder } from '../../../src/store/keys.ts';

describe('the keys of the store', () => {
  const { guard, ...keys } = keysUnder('some:', { hasRecords: true });
  const all = Object.values(keys).map((key: string | ((of: string) => string)) =>
    typeof key === 'string' ? key : key('x'),
  );

  it('are all under the prefix and a schema version', () => {
    expect(all.filter((key) => !key.startsWith('some:1:'))).toEqual([]);
  });

  it('never meet, whatever they are for', () => {
    expect(new Set(all).size).toBe(all.length);
    expect(all.filter((key) => all.some((other) => other !== key && other === `${key}:x`))).toEqual([]);
  });

  it('are guarded by that of the records, if there are any', () => {
    expect(guard).toEqual([keys.records]);
    expect(keysUnder('some:').guard).toEqual([]);
  });

  it('differ by what they are of', () => {
    expect(keys.counters('acme')).not.toBe(keys.counters('beta'));
    expect(keys.counters('acme').startsWith(keys.counters(''))).toBe(true); // which scripts rely on
  });
});
