import { describe, expect, it } from 'vitest';
import {
  AttemptPlan,
  chooseExhausted,
  chooseOpen,
  chooseWorking,
  type Target,
} from '../../../src/upstream/attempt-plan.ts';
import type { CircuitBreaker } from '../../../src/upstream/circuit-breaker.ts';
import type { Upstream } from '../../../src/upstream/upstream.ts';
import { FakeUpstream } from './fake-upstream.ts';

const nowMs = 10;

function upstream(
  name: string,
  { remaining, breaker }: { remaining?: number; breaker?: CircuitBreaker } = {},
): Upstream {
  const made = new FakeUpstream(name);
  if (breaker) made.breaker = () => breaker;
  if (remaining !== undefined) {
    const requests = { remaining, limit: 100, resetAtMs: 1_000 + name.length };
    const snapshot = { atMs: 1, blockedUntilMs: 0, requests, tokens: null };
    made.quota.recordSnapshot(snapshot, made.quota.recordSent(1));
  }
  return made;
}

const asking = { team: 'acme', tokens: 1 };
const of = (candidates: Upstream[]): Pick<Target, 'model' | 'candidates'> => ({ model: 'own', candidates });
const nameOf = (found: Upstream | null): string | undefined => found?.attachment.name;
const open = (openUntilMs: number, failures = 1): CircuitBreaker => ({ failures, openUntilMs });

describe('the attachment that is asked', () => {
  it('is the first in turn while nothing is known of quotas', () => {
    expect(nameOf(chooseWorking(of([upstream('a'), upstream('b')]), nowMs, asking))).toBe('a');
  });

  it('is the one with the most quota if that is known of all', () => {
    const all = [
      upstream('a', { remaining: 3 }),
      upstream('b', { remaining: 9 }),
      upstream('c', { remaining: 5 }),
    ];
    expect(nameOf(chooseWorking(of(all), nowMs, asking))).toBe('b');
    expect(nameOf(chooseWorking(of([upstream('a', { remaining: 3 }), upstream('b')]), nowMs, asking))).toBe(
      'a',
    );
  });

  it('has quota and a circuit breaker that is not open', () => {
    const all = [
      upstream('a', { remaining: 0 }),
      upstream('b', { breaker: open(11) }),
      upstream('c', { remaining: 1 }),
    ];
    expect(nameOf(chooseWorking(of(all), nowMs, asking))).toBe('c');
    expect(chooseWorking(of(all.slice(0, 2)), nowMs, asking)).toBeNull();
  });

  it('is else the one whose circuit breaker closes first, of those with quota', () => {
    const all = [
      upstream('a', { breaker: open(30) }),
      upstream('b', { breaker: open(20) }),
      upstream('c', { remaining: 0, breaker: open(11) }),
    ];
    expect(nameOf(chooseOpen(of(all), nowMs, asking))).toBe('b');
    expect(chooseOpen(of([]), nowMs, asking)).toBeNull();
  });

  it('is waited for if it should have quota first', () => {
    const all = [upstream('bbb', { remaining: 0 }), upstream('a', { remaining: 0 })];
    expect(nameOf(chooseExhausted(all, nowMs, asking))).toBe('a');
  });
});

describe('the plan', () => {
  const works = (): Upstream => upstream('works');
  const exhausted = (): Upstream => upstream('exhausted', { remaining: 0 });
  const failedOnce = (): Upstream => upstream('failed once', { breaker: open(99) });
  const failedTwice = (): Upstream => upstream('failed twice', { breaker: open(99, 2) });
  const target = (model: string, candidates: Upstream[]): Target => ({
    model,
    isModelKnown: true,
    candidates,
    body: Buffer.from('{}'),
    adjusted: [],
    admit: null,
  });

  it.each<[string, Upstream[], Upstream[] | null, [string, string, string | undefined] | null]>([
    ['what works', [failedOnce(), works()], [works()], ['send', 'own', 'works']],
    ['what has failed once', [failedOnce()], [works()], ['send', 'own', 'failed once']],
    ['the fallback that works', [failedTwice()], [works()], ['send', 'fallback', 'works']],
    ['the fallback with quota', [exhausted()], [works()], ['send', 'fallback', 'works']],
    ['what has failed twice', [failedTwice()], [failedTwice()], ['send', 'own', 'failed twice']],
    ['a failed fallback', [exhausted()], [failedTwice()], ['send', 'fallback', 'failed twice']],
    ['its own quota', [exhausted()], [exhausted()], ['wait', 'own', 'exhausted']],
    ['the quota of the fallback', [], [exhausted()], ['wait', 'fallback', 'exhausted']],
    ['nobody', [], null, null],
  ])('asks or waits for %s', (_, own, fallback, expected) => {
    let made = 0;
    const plan = new AttemptPlan({
      asked: target('own', own),
      fallback: () => {
        made += 1;
        return fallback && target('fallback', fallback);
      },
      ...asking,
    });
    for (let n = 0; n < 2; n += 1) {
      const step = plan.next(nowMs);
      expect(step && [step.kind, step.target.model, nameOf(step.upstream)]).toEqual(expected);
    }
    expect(made).toBeLessThanOrEqual(1);
  });
});
