import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Upstreams } from '../../../src/upstream/upstreams.ts';
import type { Upstream } from '../../../src/upstream/upstream.ts';

const monotonicMs = 5_000;
const nowMs = Date.parse('2026-03-01T12:00:00Z');
const clock = { now: () => nowMs, monotonic: () => monotonicMs };
const in10s = '2026-03-01T12:00:10.000Z';
const baseUrl = 'http://127.0.0.1:1';

let upstreams: Upstreams;

beforeEach(() => {
  const made = [
    { name: 'CLAUDE', baseUrl, key: 'inf-secret-one', modelId: 'claude' },
    { name: 'INFERENCE', baseUrl, key: 'inf-secret-two', modelId: null },
  ];
  upstreams = new Upstreams(made, { at: () => new Map([['nova', { kinds: [], regions: [] }]]) });
});
afterEach(() => upstreams.close());

function upstreamOf(model: string): Upstream {
  const [found] = upstreams.candidates(model);
  if (found === undefined) throw new Error(`Nobody serves ${model}.`);
  return found;
}

function fail(model: string, { isModelKnown = true, retryAfterMs = 10_000 } = {}): void {
  const failure = { cause: 'failing', nowMs: monotonicMs, isProbe: false, retryAfterMs, random: 0 } as const;
  upstreamOf('nova').circuits.fail({ team: 'acme', model, isModelKnown }, failure);
}

describe('the state of an attachment', () => {
  it('is what it serves, closed and without a word on its key, before anything was sent', () => {
    const untried = { circuit: 'closed', failing: [], quota: null };
    expect(upstreams.states(clock)).toEqual([
      { name: 'CLAUDE', model_id: 'claude', models: ['claude'], ...untried },
      { name: 'INFERENCE', model_id: null, models: ['nova'], ...untried },
    ]);
  });

  it('is the worst of its models, and names those that fail', () => {
    fail('nova');
    expect(upstreams.states(clock)[1]).toMatchObject({
      circuit: 'open',
      failing: [{ model: 'nova', circuit: 'open', open_until: in10s }],
    });
    const later = { now: () => nowMs + 60_000, monotonic: () => monotonicMs + 60_000 };
    expect(upstreams.states(later)[1]).toMatchObject({
      circuit: 'half-open',
      failing: [{ model: 'nova', circuit: 'half-open', open_until: in10s }],
    });
  });

  it('does not name a model that only a caller does', () => {
    fail('whatever-a-caller-writes', { isModelKnown: false });
    expect(upstreams.states(clock)[1]).toMatchObject({ circuit: 'open', failing: [] });
  });

  it('tells what the key has left: as told, less what was sent since', () => {
    const { quota } = upstreamOf('claude');
    const resetAtMs = monotonicMs + 10_000;
    const ordinal = quota.recordSent(50);
    quota.recordSnapshot(
      {
        atMs: monotonicMs,
        blockedUntilMs: 0,
        requests: { remaining: 3, limit: 150, resetAtMs },
        tokens: { remaining: 100, limit: Infinity, resetAtMs },
      },
      ordinal,
      'acme',
    );
    quota.recordSent(400);
    expect(upstreams.states(clock)[0]?.quota).toEqual({
      told_at: '2026-03-01T12:00:00.000Z',
      blocked_until: null,
      requests: { remaining: 2, limit: 150, resets_at: in10s },
      tokens: { remaining: 0, limit: null, resets_at: in10s },
    });
    quota.recordRateLimited(monotonicMs, monotonicMs + 10_000, 'acme');
    expect(upstreams.states(clock)[0]?.quota).toMatchObject({ blocked_until: in10s });
  });

  it('has no key in it, nor what is made from one', () => {
    const text = JSON.stringify(upstreams.states(clock));
    for (const key of ['inf-secret-one', 'inf-secret-two']) {
      expect(text).not.toContain(key);
      for (const digest of ['base64url', 'hex'] as const) {
        const hash = createHash('sha256').update(key).digest(digest);
        expect(text).not.toContain(hash.slice(0, 8));
      }
    }
  });
});
