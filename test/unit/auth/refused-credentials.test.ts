import { describe, expect, it } from 'vitest';
import { forwardedAddress, RefusedCredentials } from '../../../src/auth/refused-credentials.ts';
import { type ErrorCode, Refusal } from '../../../src/core/refusal.ts';

let nowMs = 30_000;
const clock = { now: () => nowMs, monotonic: () => nowMs };
const bad = (code: ErrorCode = 'invalid_token'): Refusal => new Refusal(code, 'No.');

describe('RefusedCredentials', () => {
  it('hands refusals through until an address has had its share, and then says when it is over', () => {
    const refused = new RefusedCredentials({ perMinute: 2, clock });
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

  it('counts nobody who sent nothing, or whose time was up', () => {
    const refused = new RefusedCredentials({ perMinute: 1, clock });
    refused.count('a', bad('missing_token'));
    refused.count('a', bad('expired_token'));
    expect(refused.isOver('a')).toBe(false);
  });

  it('holds a bounded number of addresses', () => {
    const refused = new RefusedCredentials({ perMinute: 1, clock });
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
