import type { Dispatcher } from 'undici';
import { describe, expect, it } from 'vitest';
import { choose, chooseFull, chooseResting } from '../../../src/upstream/choose.ts';
import { type Rest, working } from '../../../src/upstream/circuit-breaker.ts';
import { KeyQuota } from '../../../src/upstream/key-quota.ts';
import type { Upstream } from '../../../src/upstream/upstreams.ts';

/** Nothing is sent in these tests. */
const pool = {} as Dispatcher;

function upstream(name: string, { left, rest = working }: { left?: number; rest?: Rest } = {}): Upstream {
  const room = new KeyQuota();
  if (left !== undefined) {
    const requests = { remaining: left, limit: 100, resetAtMs: 1_000 + name.length };
    room.read({ atMs: 1, blockedUntilMs: 0, requests, tokens: null }, room.take(1));
  }
  const attachment = { name, baseUrl: 'http://127.0.0.1:1', key: name, modelId: null };
  return { attachment, pathPrefix: '', pool, room, rest };
}

const nameOf = (found: Upstream | null): string | undefined => found?.attachment.name;
const atRest = (untilMs: number): Rest => ({ failures: 1, untilMs });

describe('the attachment that is asked', () => {
  it('is the first in turn where nothing is known of their room', () => {
    expect(nameOf(choose([upstream('a'), upstream('b')], 10, 1))).toBe('a');
  });

  it('is the one with the most room where that is known', () => {
    const all = [upstream('a', { left: 3 }), upstream('b', { left: 9 }), upstream('c', { left: 5 })];
    expect(nameOf(choose(all, 10, 1))).toBe('b');
    expect(nameOf(choose([upstream('a', { left: 3 }), upstream('b')], 10, 1))).toBe('a');
  });

  it('has room and does not rest', () => {
    const all = [upstream('a', { left: 0 }), upstream('b', { rest: atRest(11) }), upstream('c', { left: 1 })];
    expect(nameOf(choose(all, 10, 1))).toBe('c');
    expect(choose(all.slice(0, 2), 10, 1)).toBeNull();
  });

  it('is else the one that has rested longest, of those with room', () => {
    const all = [
      upstream('a', { rest: atRest(30) }),
      upstream('b', { rest: atRest(20) }),
      upstream('c', { left: 0, rest: atRest(11) }),
    ];
    expect(nameOf(chooseResting(all, 10, 1))).toBe('b');
    expect(chooseResting([], 10, 1)).toBeNull();
  });

  it('is waited for that has room first', () => {
    expect(nameOf(chooseFull([upstream('bbb', { left: 0 }), upstream('a', { left: 0 })], 10, 1))).toBe('a');
  });
});
