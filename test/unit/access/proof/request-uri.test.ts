import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressesOf, isSameAddress } from '../../../../src/access/proof/request-uri.ts';

const here = 'https://gateway.example/v1/models/a%2Fb';

describe('two addresses are the same', () => {
  it.each([
    'https://gateway.example/v1/models/a%2Fb',
    'https://gateway.example/v1/models/a%2fb',
    'https://gateway.example:443/v1/models/a%2Fb',
    'HTTPS://GATEWAY.EXAMPLE/v1/models/a%2Fb',
    'https://gateway.example/v1/models/%61%2Fb',
    'https://gateway.example/v1/x/../models/a%2Fb',
    'https://gateway.example/v1/models/a%2Fb?x=1#y',
  ])('%s', (htu) => {
    expect(isSameAddress(htu, here)).toBe(true);
  });

  it.each([
    'http://gateway.example/v1/models/a%2Fb',
    'https://gateway.example/v1/models/a/b',
    'https://gateway.example/v1/models/a%2Fb/',
    'https://gateway.example/V1/models/a%2Fb',
    'https://gateway.example:8443/v1/models/a%2Fb',
    'https://gateway.example.evil.example/v1/models/a%2Fb',
    'https://ana@gateway.example/v1/models/a%2Fb',
    'https:\\\\gateway.example\\v1\\models\\a%2Fb',
    ' https://gateway.example/v1/models/a%2Fb',
    'https://gateway.example/v1/mod\nels/a%2Fb',
    '/v1/models/a%2Fb',
    'file://gateway.example/v1/models/a%2Fb',
    '',
  ])('but not %j', (htu) => {
    expect(isSameAddress(htu, here)).toBe(false);
  });

  const segment = fc.string({
    unit: fc.constantFrom(...Array.from('abzAZ019-._~!$&()*+,;=:@')),
    minLength: 1,
    maxLength: 6,
  });
  const path = fc.array(segment, { maxLength: 4 }).map((segments) => `/v1/${segments.join('/')}`);
  const escaped = (text: string, upper: boolean): string =>
    text.replace(/[a-z]/g, (letter) => {
      const digits = letter.charCodeAt(0).toString(16);
      return `%${upper ? digits.toUpperCase() : digits}`;
    });

  it('however they are written, and only then', () => {
    fc.assert(
      fc.property(path, path, fc.boolean(), (one, other, upper) => {
        const base = 'https://gateway.example';
        const address = base + one;
        // The scheme's port, the case of the host, escapes that say nothing else, a query.
        const written = `HTTPS://Gateway.EXAMPLE:443${escaped(one, upper)}?a=b`;
        expect(isSameAddress(written, address)).toBe(true);
        expect(isSameAddress(base + other, address)).toBe(
          new URL(base + other).pathname === new URL(address).pathname,
        );
      }),
    );
  });

  it('never, of any text that is not a URL of http', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(isSameAddress(text, here)).toBe(text === here);
      }),
    );
  });
});

describe('the addresses of a request', () => {
  const request = { target: '/v1/me?x=https://evil.example', host: 'Gateway.example:3000' };
  const nowhere = { publicUrls: [], onDyno: false };

  it('are those of its Host: on a dyno by https, elsewhere a proxy may have taken that off', () => {
    expect(addressesOf(request, { ...nowhere, onDyno: true })).toEqual([
      'https://Gateway.example:3000/v1/me',
    ]);
    expect(addressesOf(request, nowhere)).toEqual([
      'http://Gateway.example:3000/v1/me',
      'https://Gateway.example:3000/v1/me',
    ]);
  });

  it('are those that are configured, whatever its Host', () => {
    const publicUrls = ['https://llm.example', 'https://example.com/llm'];
    expect(addressesOf(request, { publicUrls, onDyno: false })).toEqual([
      'https://llm.example/v1/me',
      'https://example.com/llm/v1/me',
    ]);
  });

  it('have the path of a target that is a whole URL, and not its host', () => {
    const whole = { target: 'http://evil.example/v1/me?x', host: 'gateway.example' };
    expect(addressesOf(whole, { ...nowhere, onDyno: true })).toEqual(['https://gateway.example/v1/me']);
  });
});
