import { describe, expect, it } from 'vitest';
import { nonceMs, Nonces } from '../../../../src/access/proof/nonces.ts';

/** Processes that share the secrets of a store. */
function processes() {
  const asked: number[] = [];
  const of = (hour: number): Promise<string> => {
    asked.push(hour);
    return Promise.resolve(`secret of ${hour}`);
  };
  const clock = { nowMs: 500_000 * 3_600_000 };
  const make = () => new Nonces({ of }, () => clock.nowMs);
  return { asked, clock, one: make(), other: make() };
}

describe('a nonce', () => {
  it('is the same in every process, and another every minute', async () => {
    const { clock, one, other } = processes();
    const first = await one.current();
    expect(first).toMatch(/^[\w-]{22}$/);
    expect(await other.current()).toBe(first);
    clock.nowMs += nonceMs;
    expect(await one.current()).not.toBe(first);
  });

  it('is taken by another process for two to three minutes, over the turn of the hour', async () => {
    const { clock, one, other } = processes();
    clock.nowMs -= 1;
    const nonce = await one.current();
    const minute = Math.floor(clock.nowMs / nonceMs);
    for (const afterMs of [0, 1, nonceMs, 2 * nonceMs]) {
      clock.nowMs = (minute + 1) * nonceMs - 1 + afterMs;
      expect(await other.minuteOf(nonce)).toBe(afterMs > 2 * nonceMs ? null : minute);
    }
    clock.nowMs += 1;
    expect(await other.minuteOf(nonce)).toBeNull();
    expect(Nonces.endOf(minute)).toBe(clock.nowMs);
  });

  it('cannot be made up, and is not known before its minute', async () => {
    const { clock, one, other } = processes();
    clock.nowMs += nonceMs;
    const early = await one.current();
    clock.nowMs -= nonceMs;
    for (const text of ['', 'x', early]) expect(await other.minuteOf(text)).toBeNull();
  });

  it('is made once a minute', async () => {
    const { asked, one } = processes();
    for (let at = 0; at < 3; at += 1) await one.minuteOf(await one.current());
    expect(asked).toHaveLength(1);
  });
});
