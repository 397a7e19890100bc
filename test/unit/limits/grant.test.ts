import { describe, expect, it } from 'vitest';
import { noCharge } from '../../../src/base/outcome.ts';
import { amountOf, applied, limitsOn } from '../../../src/limits/grant.ts';
import { chatPath, scoped } from './samples.ts';

const reserved = { ...noCharge, requests: 1, inputTokens: 10, outputTokens: 90, images: 3 };

describe('limitsOn', () => {
  const everywhere = scoped({ metric: 'requests', window: 'day', max: 1 });
  const claude = scoped({ metric: 'tokens', window: 'day', max: 1, models: ['claude', 'nova'] });
  const none = scoped({ metric: 'images', window: 'day', max: 1, models: [] });

  it('are those of every model and those that name the model, in their order', () => {
    expect(limitsOn([claude, everywhere, none], { model: 'nova', endpoint: chatPath })).toEqual([
      claude,
      everywhere,
    ]);
    expect(limitsOn([claude, everywhere, none], { model: 'gpt', endpoint: chatPath })).toEqual([everywhere]);
    expect(limitsOn([claude], { model: 'claud', endpoint: chatPath })).toEqual([]);
  });

  it('are all where none names a model', () => {
    const limits = [everywhere];
    expect(limitsOn(limits, { model: 'nova', endpoint: chatPath })).toBe(limits);
  });
});

describe('applied', () => {
  it('asks a counted limit for its metric in its window', () => {
    expect(applied(scoped({ metric: 'tokens', window: 'hour', max: 7 }), reserved)).toEqual({
      id: 'team-tokens-hour',
      span: 'hour',
      amount: 100,
      max: 7,
    });
  });

  it('asks concurrency for one place', () => {
    expect(applied(scoped({ metric: 'concurrency', max: 7 }), reserved)).toEqual({
      id: 'team-concurrency',
      span: 'open',
      amount: 1,
      max: 7,
    });
  });
});

describe('amountOf', () => {
  it('is the request, its tokens of both kinds, or its images', () => {
    const of = { window: 'day', max: 1 } as const;
    expect(amountOf({ ...of, metric: 'requests' }, reserved)).toBe(1);
    expect(amountOf({ ...of, metric: 'tokens' }, reserved)).toBe(100);
    expect(amountOf({ ...of, metric: 'images' }, reserved)).toBe(3);
  });

  it('leaves out what was read from a cache if the limit says so, and never what was written', () => {
    const charged = {
      ...reserved,
      inputTokens: 90,
      outputTokens: 10,
      cacheReadTokens: 70,
      cacheWriteTokens: 5,
    };
    const of = { metric: 'tokens', window: 'day', max: 1 } as const;
    expect(amountOf({ ...of, count_cached: false }, charged)).toBe(30);
    expect(amountOf({ ...of, count_cached: true }, charged)).toBe(100);
    expect(amountOf(of, charged)).toBe(100);
  });
});
