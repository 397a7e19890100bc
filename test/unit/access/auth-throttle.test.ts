import { describe, expect, it } from 'vitest';
import { AuthThrottle } from '../../../src/access/auth-throttle.ts';
import { forwardedAddress } from '../../../src/base/client-address.ts';
import { type ErrorCode, Refusal } from '../../../src/base/refusal.ts';

let nowMs = 30_000;
const clock = { now: () => nowMs, monotonic: () => nowMs };
const bad = (code: ErrorCode = 'invalid_token'): Refusal => new Refusal(code, 'No.');

describe('RefusedCredentials', () => {
  it('hands refusals through until an address has had its share, and then says when it is over', () => {
    const refused = new AuthThrottle({ perMinute: 2, clock });
    const first = bad();
    expect(refused.count('a', first)).toBe(first);
    expect(refused.isOver('a')).toBe(false);
    refused.count('a', bad('revoked_token'));
    expect(refused.isOver('a')).toBe(true);
    const answer = refused.count('a', bad());
    expect(answer).toMatchObject({ code: 'rate_limit_exceeded', status: 429 });
    expect(answer.headers).toEqual({ 'retry-after': '30' });
    expect(refused.count('b', first)).toBe(first);
    nowMs = 60_000;
    expect(refused.isOver('a')).toBe(false);
  });

  it('counts nobody who sent nothing', () => {
    const refused = new AuthThrottle({ perMinute: 1, clock });
    refused.count('a', bad('missing_token'));
    expect(refused.isOver('a')).toBe(false);
  });

  it('always tells a page that its session has expired, and counts that', () => {
    const refused = new AuthThrottle({ perMinute: 1, clock });
    const expired = bad('expired_token');
    expect(refused.count('a', expired)).toBe(expired);
    expect(refused.isOver('a')).toBe(true);
    expect(refused.count('a', expired)).toBe(expired);
  });

  it('does the lookups of an address that is over one after the other', async () => {
    const refused = new AuthThrottle({ perMinute: 20, clock });
    let running = 0;
    let most = 0;
    const lookUp = (found: string | Refusal) => async (): Promise<string | Refusal> => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      running -= 1;
      return found;
    };
    await Promise.all(Array.from({ length: 110 }, () => refused.guard('a', lookUp(bad()))));
    expect(most).toBe(20); // each of the first might have been good
    most = 0;
    const good = Array.from({ length: 60 }, () => refused.guard('a', lookUp('good')));
    expect(new Set(await Promise.all(good))).toEqual(new Set(['good']));
    expect(most).toBe(1);
  });

  it('lets as many good lookups at once as there are, up to its share', async () => {
    const refused = new AuthThrottle({ perMinute: 3, clock });
    const found = await Promise.all(
      Array.from({ length: 90 }, () => refused.guard('a', () => Promise.resolve('good'))),
    );
    expect(new Set(found)).toEqual(new Set(['good']));
    await expect(refused.guard('a', () => Promise.reject(new Error('down')))).rejects.toThrow('down');
    expect(await refused.guard('a', () => Promise.resolve('good'))).toBe('good');
  });

  it('does not look up at all at ten times its share, until the minute is over', async () => {
    const refused = new AuthThrottle({ perMinute: 2, clock });
    for (let n = 0; n < 20; n += 1) await refused.guard('a', () => Promise.resolve(bad()));
    let looked = false;
    const lookUp = (): Promise<string> => {
      looked = true;
      return Promise.resolve('good');
    };
    expect(await refused.guard('a', lookUp)).toMatchObject({ status: 429 });
    expect(looked).toBe(false);
    nowMs += 60_000;
    expect(await refused.guard('a', lookUp)).toBe('good');
  });

  it('holds a bounded number of addresses', () => {
    const refused = new AuthThrottle({ perMinute: 1, clock });
    for (let n = 0; n < 50_001; n += 1) refused.count(`address ${n}`, bad());
    expect(refused.isOver('address 0')).toBe(false);
    expect(refused.isOver('address 1')).toBe(true);
    expect(refused.isOver('address 50000')).toBe(true);
  });
});

describe('forwardedAddress', () => {
  it.each([
    [undefined, null],
    ['', null],
    ['203.0.113.7', '203.0.113.7'],
    ['spoofed, 10.0.0.1 , 203.0.113.7', '203.0.113.7'],
    ['203.0.113.7, ', null],
    [['spoofed', '203.0.113.7'], '203.0.113.7'],
    ['x'.repeat(1_000), 'x'.repeat(64)],
  ])('of %j is %j: what the router saw, not what the client wrote', (header, address) => {
    expect(forwardedAddress(header)).toBe(address);
  });
});
