import { describe, expect, it } from 'vitest';
import type { SamplerSettings } from '../../../src/config/telemetry.ts';
import { Ids } from '../../../src/telemetry/ids.ts';
import { samplerOf } from '../../../src/telemetry/sampler.ts';

const parent = (isSampled: boolean) => ({ traceId: 'a', spanId: 'b', isSampled, traceState: '' });
const low = `${'f'.repeat(18)}${'0'.repeat(14)}`;
const high = `${'0'.repeat(18)}${'f'.repeat(14)}`;

describe('samplerOf', () => {
  it.each<[SamplerSettings['kind'], number, [root: boolean, sampled: boolean, unsampled: boolean]]>([
    ['always_on', 0, [true, true, true]],
    ['always_off', 1, [false, false, false]],
    ['traceidratio', 0, [false, false, false]],
    ['traceidratio', 1, [true, true, true]],
    ['parentbased_always_on', 0, [true, true, false]],
    ['parentbased_always_off', 1, [false, true, false]],
    ['parentbased_traceidratio', 0, [false, true, false]],
    ['parentbased_traceidratio', 1, [true, true, false]],
  ])('%s with %d: of roots, and of children of sampled and other parents', (kind, ratio, expected) => {
    const sampler = samplerOf({ kind, ratio });
    const ids = [low, high, new Ids().trace()];
    for (const id of ids)
      expect([null, parent(true), parent(false)].map((each) => sampler(id, each))).toEqual(expected);
  });

  it('takes a share by the random end of the id, so that all processes agree', () => {
    const sampler = samplerOf({ kind: 'traceidratio', ratio: 0.5 });
    const ending = (digit: string): string => `${'0'.repeat(19)}${digit}${'0'.repeat(12)}`;
    expect([low, ending('7'), ending('8'), high].map((id) => sampler(id, null))).toEqual([
      false,
      false,
      true,
      true,
    ]);
  });

  it('takes about as many as it is to take', () => {
    const sampler = samplerOf({ kind: 'traceidratio', ratio: 0.1 });
    const ids = new Ids();
    const taken = Array.from({ length: 20_000 }, () => sampler(ids.trace(), null)).filter(Boolean).length;
    expect(taken).toBeGreaterThan(1_600); // nine standard deviations from 2,000
    expect(taken).toBeLessThan(2_400);
  });
});

describe('Ids', () => {
  it('are hexadecimal, and no two are the same', () => {
    const ids = new Ids();
    const traces = Array.from({ length: 5_000 }, () => ids.trace());
    const spans = Array.from({ length: 5_000 }, () => ids.span());
    expect(traces.every((id) => /^[0-9a-f]{32}$/.test(id))).toBe(true);
    expect(spans.every((id) => /^[0-9a-f]{16}$/.test(id))).toBe(true);
    expect(new Set([...traces, ...spans]).size).toBe(10_000);
  });
});
