import { afterEach, describe, expect, it } from 'vitest';
import { learnFromAnswer } from '../../../src/upstream/learn.ts';
import { Upstreams, type Upstream } from '../../../src/upstream/upstreams.ts';

const hourMs = 3_600_000;
const upstreams = new Upstreams([{ name: 'A', baseUrl: 'http://127.0.0.1:9', key: 'inf-a', modelId: 'm' }]);
const rules = {
  clock: { now: () => 0, monotonic: () => 0 },
  observer: { gaveUp: () => undefined, rests: () => undefined, recovered: () => undefined },
};

afterEach(() => upstreams.close());

function only(): Upstream {
  const [upstream] = upstreams.candidates('m');
  if (!upstream) throw new Error('There is none.');
  return upstream;
}

describe('a wait of years that an answer asks for', () => {
  it('keeps an attachment from its turns for an hour at most, though the caller is told the truth', () => {
    const upstream = only();
    const headers = { 'retry-after': '99999999' };
    const attempt = { taken: upstream.room.take(1), probe: false };
    const limited = learnFromAnswer(rules, upstream, { attempt, cause: 'limited', status: 429, headers });
    expect(limited).toBe(99_999_999_000);
    expect(upstream.room.opensAtMs(0, 1)).toBe(hourMs);
    learnFromAnswer(rules, upstream, { attempt, cause: 'failing', status: 503, headers });
    expect(upstream.rest.untilMs).toBe(hourMs);
  });
});
