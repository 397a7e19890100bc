import { describe, expect, it } from 'vitest';
import type { RateLimitSnapshot } from '../../../src/upstream/rate-limit-snapshot.ts';
import { KeyQuota } from '../../../src/upstream/key-quota.ts';

const requests = (remaining: number, resetAtMs = 60_000, atMs = 0): RateLimitSnapshot => ({
  atMs,
  blockedUntilMs: 0,
  requests: { remaining, limit: 100, resetAtMs },
  tokens: null,
});

describe('a room', () => {
  it('is as large as anybody likes while nothing is known', () => {
    expect(new KeyQuota().left(0, 1_000_000)).toBe(Infinity);
  });

  it('is what the upstream said, less what was sent since', () => {
    const room = new KeyQuota();
    room.read(requests(2), room.take(1));
    expect(room.left(1, 1)).toBe(2);
    room.take(1);
    room.take(1);
    expect(room.left(1, 1)).toBe(0);
    expect(room.opensAtMs(1, 1)).toBe(60_000);
  });

  it('counts those under way that the upstream may not have counted, until their answers come', () => {
    const room = new KeyQuota();
    const [first, , third] = [room.take(1), room.take(1), room.take(1)];
    room.read(requests(2), first);
    expect(room.left(1, 1)).toBe(0);
    expect(room.mayOpenSooner(1)).toBe(true);
    room.read(requests(1), third);
    expect(room.left(1, 1)).toBe(1);
    room.take(1);
    room.read(requests(0), room.take(1) - 1);
    expect(room.mayOpenSooner(1)).toBe(false);
  });

  it('is not told anything by a figure that is always the same, while most is left', () => {
    const room = new KeyQuota();
    for (let n = 0; n < 3; n += 1) room.read(requests(99), room.take(1));
    for (let n = 0; n < 200; n += 1) room.take(1);
    expect(room.left(1, 1)).toBe(Infinity);
    room.read(requests(98), room.take(1));
    expect(room.left(1, 1)).toBe(98);
    for (let n = 0; n < 98; n += 1) room.take(1);
    expect(room.left(1, 1)).toBe(0);
  });

  it('is not told anything by an answer that another one has overtaken', () => {
    const room = new KeyQuota();
    const [first, second] = [room.take(1), room.take(1)];
    room.read(requests(50), second);
    room.read(requests(0), first);
    expect(room.left(1, 1)).toBe(50);
  });

  it('opens by little and little after a gap, until an answer says what there is', () => {
    const room = new KeyQuota();
    room.read(requests(0, 1_000), room.take(1));
    expect(room.left(999, 1)).toBe(0);
    expect(room.left(1_000, 1)).toBe(10);
    for (let n = 0; n < 10; n += 1) room.take(1);
    expect(room.left(1_050, 1)).toBe(0);
    expect(room.left(1_100, 1)).toBe(10);
    room.read(requests(70, 61_000), room.take(1));
    expect(room.left(1_110, 1)).toBe(70);
  });

  it('is not known any more once a window is over that was not used up', () => {
    const room = new KeyQuota();
    room.read(requests(3, 1_000), room.take(1));
    expect(room.left(1_000, 1)).toBe(Infinity);
  });

  it('has nothing until a Retry-After is over, whatever other answers say', () => {
    const room = new KeyQuota();
    const [first, second] = [room.take(1), room.take(1)];
    room.limited(0, 2_000);
    room.read(requests(9), first);
    room.limited(0, 1_000);
    expect([1_999, 2_000].map((nowMs) => room.left(nowMs, 1))).toEqual([0, 10]);
    room.read(requests(9), second);
    expect(room.opensAtMs(0, 1)).toBe(2_000);
  });

  it('opens by little and little once a request is answered that was sent after the refusal', () => {
    const room = new KeyQuota();
    const [refused, before] = [room.take(1), room.take(1)];
    room.limited(0, 1e12);
    room.allowed(5, before);
    room.allowed(5, refused);
    expect(room.left(5, 1)).toBe(0);
    room.allowed(6, room.take(1));
    expect(room.left(6, 1)).toBe(10);
    expect(room.newsSince(5)).toMatchObject({ blockedUntilMs: 0 });
  });

  it('has no place for more tokens than are left, but for a large request once half of a window is', () => {
    const room = new KeyQuota();
    const tokens = (remaining: number): RateLimitSnapshot => ({
      ...requests(10),
      tokens: { remaining, limit: 1_000, resetAtMs: 5_000 },
    });
    room.read(tokens(400), room.take(1));
    expect([400, 401].map((needed) => room.left(1, needed))).toEqual([10, 0]);
    expect(room.opensAtMs(1, 401)).toBe(5_000);
    room.take(300);
    expect(room.left(1, 101)).toBe(0);
    expect(room.left(5_000, 101)).toBe(9);
    room.read(tokens(500), room.take(1));
    expect(room.left(1, 50_000)).toBe(10);
  });

  it('takes over what another process was told later, not earlier', () => {
    const room = new KeyQuota();
    room.read(requests(5, 60_000, 100), room.take(1));
    room.hear(requests(0, 60_000, 99));
    expect(room.left(101, 1)).toBe(5);
    room.hear(requests(0, 60_000, 101));
    expect(room.left(102, 1)).toBe(0);
  });

  it('tells what is news', () => {
    const room = new KeyQuota();
    expect(room.newsSince(0)).toBeNull();
    room.read(requests(5, 60_000, 100), room.take(1));
    expect([99, 100].map((atMs) => room.newsSince(atMs)?.atMs)).toEqual([100, undefined]);
  });

  it('lets one request find out at a time', () => {
    const room = new KeyQuota();
    expect([room.findsOut(0), room.findsOut(1)]).toEqual([true, false]);
    room.answered();
    expect(room.findsOut(2)).toBe(true);
    expect(room.findsOut(30_002)).toBe(true);
  });
});
