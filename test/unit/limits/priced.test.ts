import { describe, expect, it } from 'vitest';
import type { Limit } from '../../../src/base/limit.ts';
import { free, type Price } from '../../../src/base/price.ts';
import { checkPriced } from '../../../src/limits/grant.ts';
import { chat } from '../../../src/validation/endpoints/chat.ts';

const price: Price = { ...free, inputNanoUsd: 1, outputNanoUsd: 1 };
const onMoney: Limit = { metric: 'cost_usd', window: 'day', max: 1 };
const onTokens: Limit = { metric: 'tokens', window: 'day', max: 1 };

describe('a model', () => {
  it.each<[string, Price | null, Limit, string | undefined]>([
    ['with a price, under a limit on money', price, onMoney, undefined],
    ['without a price, under a limit on money', null, onMoney, 'model_unpriced'],
    ['without a price, under a limit on tokens', null, onTokens, undefined],
    ['without a price, under one that only observes', null, { ...onMoney, enforce: false }, undefined],
    ['without a price, under one on its money', null, { ...onMoney, models: ['a'] }, 'model_unpriced'],
    ['without a price, under one on the money of another', null, { ...onMoney, models: ['b'] }, undefined],
    ['without a price, under one of another endpoint', null, { ...onMoney, endpoints: ['/v1/b'] }, undefined],
  ])('%s', (_, of, limit, code) => {
    const limits = [{ scope: 'team', limit: { ...limit, id: '1' } }] as const;
    expect(checkPriced(limits, { model: 'a', endpoint: chat }, of)?.code).toBe(code);
  });
});
