import { describe, expect, it } from 'vitest';
import type { ToldSnapshot } from '../../../src/upstream/told-quota.ts';
import { KeyQuota } from '../../../src/upstream/key-quota.ts';

const requests = (remaining: number, resetAtMs = 60_000, atMs = 0): ToldSnapshot => ({
  team: '',
  atMs,
  blockedUntilMs: 0,
  requests: { remaining, limit: 100, resetAtMs },
  tokens: null,
});

describe('the quota of a key', () => {
  it('is unlimited while nothing is known', () => {
    expect(new KeyQuota().remaining(0, 1_000_000)).toBe(Infinity);
  });

  it('is what the upstream said, less what was sent since', () => {
    const quota = new KeyQuota();
    quota.recordSnapshot(requests(2), quota.recordSent(1));
    expect(quota.remaining(1, 1)).toBe(2);
    quota.recordSent(1);
    quota.recordSent(1);
    expect(quota.remaining(1, 1)).toBe(0);
    expect(quota.availableAtMs(1, 1)).toBe(60_000);
  });

  it('is less the requests under way that the upstream may not have counted, until their answers come', () => {
    const quota = new KeyQuota();
    const [first, , third] = [quota.recordSent(1), quota.recordSent(1), quota.recordSent(1)];
    quota.recordSnapshot(requests(2), first);
    expect(quota.remaining(1, 1)).toBe(0);
    expect(quota.mayBeAvailableSooner(1)).toBe(true);
    quota.recordSnapshot(requests(1), third);
    expect(quota.remaining(1, 1)).toBe(1);
    quota.recordSent(1);
    quota.recordSnapshot(requests(0), quota.recordSent(1) - 1);
    expect(quota.mayBeAvailableSooner(1)).toBe(false);
  });

  it('ignores a figure that is always the same, while most is left', () => {
    const quota = new KeyQuota();
    for (let n = 0; n < 3; n += 1) quota.recordSnapshot(requests(99), quota.recordSent(1));
    for (let n = 0; n < 200; n += 1) quota.recordSent(1);
    expect(quota.remaining(1, 1)).toBe(Infinity);
    quota.recordSnapshot(requests(98), quota.recordSent(1));
    expect(quota.remaining(1, 1)).toBe(98);
    for (let n = 0; n < 98; n += 1) quota.recordSent(1);
    expect(quota.remaining(1, 1)).toBe(0);
  });

  it('ignores an answer that a later one has overtaken', () => {
    const quota = new KeyQuota();
    const [first, second] = [quota.recordSent(1), quota.recordSent(1)];
    quota.recordSnapshot(requests(50), second);
    quota.recordSnapshot(requests(0), first);
    expect(quota.remaining(1, 1)).toBe(50);
  });

  it('trickles after a wait, until an answer says what is left', () => {
    const quota = new KeyQuota();
    quota.recordSnapshot(requests(0, 1_000), quota.recordSent(1));
    expect(quota.remaining(999, 1)).toBe(0);
    expect(quota.remaining(1_000, 1)).toBe(10);
    for (let n = 0; n < 10; n += 1) quota.recordSent(1);
    expect(quota.remaining(1_050, 1)).toBe(0);
    expect(quota.remaining(1_100, 1)).toBe(10);
    quota.recordSnapshot(requests(70, 61_000), quota.recordSent(1));
    expect(quota.remaining(1_110, 1)).toBe(70);
  });

  it('is unknown again after a window that was not used up', () => {
    const quota = new KeyQuota();
    quota.recordSnapshot(requests(3, 1_000), quota.recordSent(1));
    expect(quota.remaining(1_000, 1)).toBe(Infinity);
  });

  it('is nothing until a Retry-After is over, whatever other answers say', () => {
    const quota = new KeyQuota();
    const [first, second] = [quota.recordSent(1), quota.recordSent(1)];
    quota.recordRateLimited(0, 2_000);
    quota.recordSnapshot(requests(9), first);
    quota.recordRateLimited(0, 1_000);
    expect([1_999, 2_000].map((nowMs) => quota.remaining(nowMs, 1))).toEqual([0, 10]);
    quota.recordSnapshot(requests(9), second);
    expect(quota.availableAtMs(0, 1)).toBe(2_000);
  });

  it('trickles once a request is answered that was sent after the 429', () => {
    const quota = new KeyQuota();
    const [refused, before] = [quota.recordSent(1), quota.recordSent(1)];
    quota.recordRateLimited(0, 1e12);
    quota.recordAccepted(5, before);
    quota.recordAccepted(5, refused);
    expect(quota.remaining(5, 1)).toBe(0);
    quota.recordAccepted(6, quota.recordSent(1));
    expect(quota.remaining(6, 1)).toBe(10);
    expect(quota.snapshotSince(5)).toMatchObject({ blockedUntilMs: 0 });
  });

  it('has no space for more tokens than are left, except for a large request once half of a window is left', () => {
    const quota = new KeyQuota();
    const tokens = (remaining: number): ToldSnapshot => ({
      ...requests(10),
      tokens: { remaining, limit: 1_000, resetAtMs: 5_000 },
    });
    quota.recordSnapshot(tokens(400), quota.recordSent(1));
    expect([400, 401].map((needed) => quota.remaining(1, needed))).toEqual([10, 0]);
    expect(quota.availableAtMs(1, 401)).toBe(5_000);
    quota.recordSent(300);
    expect(quota.remaining(1, 101)).toBe(0);
    expect(quota.remaining(5_000, 101)).toBe(9);
    quota.recordSnapshot(tokens(500), quota.recordSent(1));
    expect(quota.remaining(1, 50_000)).toBe(10);
  });

  it('adopts what another process was told later, not earlier', () => {
    const quota = new KeyQuota();
    quota.recordSnapshot(requests(5, 60_000, 100), quota.recordSent(1));
    quota.adopt(requests(0, 60_000, 99));
    expect(quota.remaining(101, 1)).toBe(5);
    quota.adopt(requests(0, 60_000, 101));
    expect(quota.remaining(102, 1)).toBe(0);
  });

  it('tells what is new', () => {
    const quota = new KeyQuota();
    expect(quota.snapshotSince(0)).toBeNull();
    quota.recordSnapshot(requests(5, 60_000, 100), quota.recordSent(1));
    expect([99, 100].map((atMs) => quota.snapshotSince(atMs)?.atMs)).toEqual([100, undefined]);
  });

  it('lets one request probe at a time', () => {
    const quota = new KeyQuota();
    expect([quota.mayProbe(0), quota.mayProbe(1)]).toEqual([true, false]);
    quota.endProbe();
    expect(quota.mayProbe(2)).toBe(true);
    expect(quota.mayProbe(30_002)).toBe(true);
  });
});

describe('what only one team was told', () => {
  const hourMs = 3_600_000;
  const limited = (quota: KeyQuota, nowMs: number, team: string): void => {
    quota.recordSent(1);
    quota.recordRateLimited(nowMs, nowMs + hourMs, team);
  };

  it.each<[string, (quota: KeyQuota, nowMs: number) => void]>([
    ['a 429', (quota, nowMs) => limited(quota, nowMs, 'acme')],
    [
      'a figure',
      (quota, nowMs) => quota.recordSnapshot(requests(0, nowMs + hourMs, nowMs), quota.recordSent(1), 'acme'),
    ],
  ])('keeps it waiting, and another for two seconds (%s)', (_, tell) => {
    const quota = new KeyQuota();
    tell(quota, 1_000);
    const left = (nowMs: number, team: string): number => quota.remaining(nowMs, 1, team);
    expect([left(1_000, 'acme'), left(1_000, 'bolt')]).toEqual([0, 0]);
    expect(quota.availableAtMs(1_000, 1, 'acme')).toBe(1_000 + hourMs);
    expect(quota.availableAtMs(1_000, 1, 'bolt')).toBe(3_000);
    expect([left(3_000, 'acme'), left(3_000, 'bolt')]).toEqual([0, Infinity]);
  });

  it('keeps no team waiting that was answered within a minute, however often it is told', () => {
    const quota = new KeyQuota();
    let waited = 0;
    for (let nowMs = 0; nowMs < 600_000; nowMs += 500) {
      limited(quota, nowMs, 'acme');
      quota.recordAccepted(nowMs, quota.recordSent(1), 'acme');
      limited(quota, nowMs, 'acme');
      if (quota.remaining(nowMs, 1, 'bolt') > 0) quota.recordAccepted(nowMs, quota.recordSent(1), 'bolt');
      else waited += 1;
    }
    expect(waited).toBeLessThanOrEqual(4);
  });

  it('is believed by all once another was told the same', () => {
    const quota = new KeyQuota();
    for (const team of ['acme', 'bolt']) limited(quota, 1_000, team);
    expect(['acme', 'bolt', 'crew'].map((team) => quota.remaining(5_000, 1, team))).toEqual([0, 0, 0]);
    expect(quota.availableAtMs(5_000, 1, 'crew')).toBe(1_000 + hourMs);
  });

  it('leaves each team a probe of its own', () => {
    const quota = new KeyQuota();
    expect(['acme', 'acme', 'bolt'].map((team) => quota.mayProbe(0, team))).toEqual([true, false, true]);
    quota.endProbe('bolt');
    expect(['acme', 'bolt'].map((team) => quota.mayProbe(0, team))).toEqual([false, true]);
  });
});
