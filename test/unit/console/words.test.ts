import { describe, expect, it } from 'vitest';
import { chatModelsIn } from '../../../console/chat.ts';
import { fromNow, limitName } from '../../../console/format.ts';

describe('a limit in words', () => {
  it('counts one and many', () => {
    expect(limitName({ metric: 'requests', window: 'minute', max: 1 })).toBe('1 request a minute');
    expect(limitName({ metric: 'concurrency', max: 1 })).toBe('1 request at a time');
    expect(limitName({ metric: 'input_tokens', window: 'hour', max: 2_000 })).toBe(
      '2,000 input tokens an hour',
    );
    expect(limitName({ metric: 'cost_usd', window: 'month', max: 1 })).toBe('$1.00 a month');
  });
});

describe('a time from now', () => {
  it('is rounded: a session of eight hours does not begin with seven', () => {
    expect(fromNow(8 * 3_600_000 - 2_000, 0)).toBe('in 8 hours');
    expect(fromNow(-100_000, 0)).toBe('2 minutes ago');
    expect(fromNow(0, 400)).toBe('now');
  });
});

describe('the models of the playground', () => {
  it('are those that chat, or all if no name tells', () => {
    expect(chatModelsIn(['cohere-embed-multilingual', 'nova-pro', 'ours', 'stable-image-ultra'])).toEqual([
      'nova-pro',
      'ours',
    ]);
    expect(chatModelsIn(['cohere-rerank-3-5'])).toEqual(['cohere-rerank-3-5']);
  });
});
