import { type UsageFigures, usageFigures } from '../../src/ledger/totals.ts';

/** A row of usage in which every figure is zero. */
export const noUsage = Object.fromEntries(usageFigures.map((name) => [name, 0])) as UsageFigures; // has every name
