import { describe, expect, it } from 'vitest';
import { AuthThrottle } from '../../../src/access/auth-throttle.ts';
import { forwardedAddress, networkOf, type Sender } from '../../../src/base/client-address.ts';
import { type ErrorCode, Refusal } from '../../../src/base/refusal.ts';

let nowMs = 30_000;
const clock = { now: () => nowMs, monotonic: () => nowMs };
const bad = (code: ErrorCode = 'invalid_token'): Refusal => new Refusal(code, 'No.');
const at = (forwardedFor: string): Sender => ({ forwardedFor, peer: '10.0.0.1' });

describe('RefusedCredentials', () => {
  it('hands refusals through until an address has had its share, and then says when it is over', () => {
    const refused = new AuthThrottle({ perMinute: 2, clock, onDyno: true });
    const first = bad();
    expect(refused.count(at('a'), first)).toBe(first);
    expect(refused.isOver(at('a'))).toBe(false);
    refused.count(at('a'), bad('revoked_token'));
    expect(refused.isOver(at('a'))).toBe(true);
    const answer = refused.count(at('a'), bad());
    expect(answer).toMatchObject({ code: 'rate_limit_exceeded', status: 429 });
    expect(answer.headers).toEqual({ 'retry-after': '30' });
    expect(refused.count(at('b'), first)).toBe(first);
    nowMs = 60_000;
    expect(refused.isOver(at('a'))).toBe(false);
  });

  it('counts nobody who sent nothing', () => {
    const refused = new AuthThrottle({ perMinute: 1, clock, onDyno: true });
    refused.count(at('a'), bad('missing_token'));
    expect(refused.isOver(at('a'))).toBe(false);
  });

  it('always tells a page that its session has expired, and counts that', () => {
    const refused = new AuthThrottle({ perMinute: 1, clock, onDyno: true });
    const expired = bad('expired_token');
    expect(refused.count(at('a'), expired)).toBe(expired);
    expect(refused.isOver(at('a'))).toBe(true);
    expect(refused.count(at('a'), expired)).toBe(expired);
  });

  it('does the lookups of an address that is over one after the other', async () => {
    const refused = new AuthThrottle({ perMinute: 20, clock, onDyno: true });
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
    await Promise.all(Array.from({ length: 110 }, () => refused.guard(at('a'), lookUp(bad()))));
    expect(most).toBe(20); // each of the first might have been good
    most = 0;
    const good = Array.from({ length: 60 }, () => refused.guard(at('a'), lookUp('good')));
    expect(new Set(await Promise.all(good))).toEqual(new Set(['good']));
    expect(most).toBe(1);
  });

  it('lets as many good lookups at once as there are, up to its share', async () => {
    const refused = new AuthThrottle({ perMinute: 3, clock, onDyno: true });
    const found = await Promise.all(
      Array.from({ length: 90 }, () => refused.guard(at('a'), () => Promise.resolve('good'))),
    );
    expect(new Set(found)).toEqual(new Set(['good']));
    await expect(refused.guard(at('a'), () => Promise.reject(new Error('down')))).rejects.toThrow('down');
    expect(await refused.guard(at('a'), () => Promise.resolve('good'))).toBe('good');
  });

  it('turns no good lookup away, however many come at once', async () => {
    const refused = new AuthThrottle({ perMinute: 3, clock, onDyno: true });
    const found = await Promise.all(
      Array.from({ length: 1_000 }, () => refused.guard(at('a'), () => Promise.resolve('good'))),
    );
    expect(new Set(found)).toEqual(new Set(['good']));
  });

  it('lets a bounded number wait once the address is over its share', async () => {
    const refused = new AuthThrottle({ perMinute: 3, clock, onDyno: true });
    let lookups = 0;
    const lookUp = (): Promise<Refusal> => {
      lookups += 1;
      return Promise.resolve(bad());
    };
    const found = await Promise.all(Array.from({ length: 1_000 }, () => refused.guard(at('a'), lookUp)));
    expect(found.filter((refusal) => refusal.code === 'invalid_token')).toHaveLength(3);
    expect(lookups).toBeLessThanOrEqual(3 + 100);
  });

  it('does not look up at all at ten times its share, until the minute is over', async () => {
    const refused = new AuthThrottle({ perMinute: 2, clock, onDyno: true });
    for (let n = 0; n < 20; n += 1) await refused.guard(at('a'), () => Promise.resolve(bad()));
    let looked = false;
    const lookUp = (): Promise<string> => {
      looked = true;
      return Promise.resolve('good');
    };
    expect(await refused.guard(at('a'), lookUp)).toMatchObject({ status: 429 });
    expect(looked).toBe(false);
    nowMs += 60_000;
    expect(await refused.guard(at('a'), lookUp)).toBe('good');
  });

  it('holds a bounded number of addresses', () => {
    const refused = new AuthThrottle({ perMinute: 1, clock, onDyno: true });
    for (let n = 0; n < 50_001; n += 1) refused.count(at(`address ${n}`), bad());
    expect(refused.isOver(at('address 0'))).toBe(false);
    expect(refused.isOver(at('address 1'))).toBe(true);
    expect(refused.isOver(at('address 50000'))).toBe(true);
  });
});

describe('RefusedCredentials without a router', () => {
  const behind = (peer: string): Sender => ({ forwardedFor: '203.0.113.7', peer });

  it('counts by the other end of the connection, whatever the client writes into X-Forwarded-For', () => {
    const refused = new AuthThrottle({ perMinute: 1, clock, onDyno: false });
    refused.count(behind('192.0.2.1'), bad());
    expect(refused.count({ forwardedFor: '198.51.100.1', peer: '192.0.2.1' }, bad()).status).toBe(429);
    expect(refused.count(behind('192.0.2.2'), bad()).status).toBe(401);
    expect(refused.count({ forwardedFor: '198.51.100.1', peer: undefined }, bad()).status).toBe(401);
  });

  it('shuts nobody out, since everybody may come through one proxy', async () => {
    const refused = new AuthThrottle({ perMinute: 1, clock, onDyno: false });
    for (let n = 0; n < 30; n += 1) await refused.guard(behind('::1'), () => Promise.resolve(bad()));
    expect(refused.isOver(behind('::1'))).toBe(false);
    expect(await refused.guard(behind('::1'), () => Promise.resolve('good'))).toBe('good');
  });
});

describe('networkOf', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:C000:201', '192.0.2.1'],
    ['0:0:0:0:0:ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:db8:1:3::9', '2001:db8:1:3::/64'],
    ['2001:0db8::1', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['not an address', 'not an address'],
  ])('of %s is %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
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
