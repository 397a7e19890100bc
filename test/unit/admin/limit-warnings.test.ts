import { describe, expect, it } from 'vitest';
import { limitWarnings, type ModelFacts } from '../../../src/admin/limit-warnings.ts';
import type { Limit } from '../../../src/base/limit.ts';

const served = ['priced', 'unpriced'];
const facts: ModelFacts = {
  serves: (model) => served.includes(model),
  isPriced: (model) => model === 'priced',
  all: () => served,
};
const money: Limit = { metric: 'cost_usd', window: 'day', max: 1 };
const requests: Limit = { metric: 'requests', window: 'day', max: 1 };

describe('a limit that is set', () => {
  it.each<[string, Limit[], string[] | null, RegExp[]]>([
    ['on requests', [requests], null, []],
    ['on a model that is served', [{ ...requests, models: ['unpriced'] }], null, []],
    [
      'on one that nobody serves',
      [requests, { ...requests, models: ['x', 'priced'] }],
      null,
      [/^limits\.1: .* x,/],
    ],
    ['on money', [money], null, [/^limits\.0: unpriced has no price.*model_unpriced.*config\/models\.json/]],
    [
      'on money, which only observes',
      [{ ...money, enforce: false }],
      null,
      [/unpriced has no price, so that this limit counts nothing of it/],
    ],
    ['on money, for models that have prices', [money], ['priced'], []],
    [
      'on the money of one that has none',
      [{ ...money, models: ['unpriced'] }],
      ['priced'],
      [/ unpriced has no price/],
    ],
    [
      'on money, for those that have none',
      [money],
      ['a', 'b', 'c', 'd', 'e', 'f', 'g'],
      [/ a, b, c, d, e and 2 more have no price/],
    ],
  ])('%s warns of what it will not do', (_, limits, models, expected) => {
    const warnings = limitWarnings(limits, models, facts);
    expect(warnings).toHaveLength(expected.length);
    for (const [n, words] of expected.entries()) expect(warnings[n]).toMatch(words);
  });
});
