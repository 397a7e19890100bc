import { describe, expect, it } from 'vitest';
import { newestWindows } from '../../../src/records/charges.ts';

describe('the charges of drained requests', () => {
  it('add up by limit, and those of the gateway over all teams', () => {
    const counters = newestWindows([
      { team: 'acme', charges: 'lim_a 20787 5;@/lim_g 24322 7;' },
      { team: 'acme', charges: 'lim_a 20787 6;' },
      { team: 'beta', charges: 'lim_a 20787 1;@/lim_g 24322 7;' },
    ]);
    expect(counters).toEqual([
      { team: 'acme', field: 'lim_a', window_index: 20_787, charged: 11 },
      { team: '@', field: '@/lim_g', window_index: 24_322, charged: 14 },
      { team: 'beta', field: 'lim_a', window_index: 20_787, charged: 1 },
    ]);
  });

  it('are those of the newest window', () => {
    const counters = newestWindows([
      { team: 'acme', charges: 'lim_a 20787 5;' },
      { team: 'acme', charges: 'lim_a 20788 2;' },
      { team: 'acme', charges: 'lim_a 20787 9;' },
    ]);
    expect(counters).toEqual([{ team: 'acme', field: 'lim_a', window_index: 20_788, charged: 2 }]);
  });

  it('are none in a text that is not of charges', () => {
    expect(newestWindows([{ team: 'acme', charges: 'rubbish' }])).toEqual([]);
  });
});
