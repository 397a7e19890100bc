import { describe, expect, it } from 'vitest';
import { corsHeaders, preflightHeaders } from '../../../src/base/cors.ts';
import { growth, linear } from '../../support/growth.ts';

const origin = 'https://app.example.com';

function named(flat: readonly string[]): Map<string, string> {
  return new Map(
    flat.flatMap((name, at) => (at % 2 === 0 ? [[name.toLowerCase(), flat[at + 1] ?? ''] as const] : [])),
  );
}

describe('the CORS headers of a reply', () => {
  it('to nobody in particular may be read by anyone, since it grants nothing', () => {
    for (const from of [origin, undefined]) {
      const headers = named(corsHeaders(from, false));
      expect(headers.get('access-control-allow-origin')).toBe('*');
      expect(headers.has('vary')).toBe(false);
    }
  });

  it('to a known caller name its exact origin, and that it matters', () => {
    const headers = named(corsHeaders(origin, true));
    expect(headers.get('access-control-allow-origin')).toBe(origin);
    expect(headers.get('vary')).toBe('Origin');
  });

  it('to a known caller without an origin only say that it matters', () => {
    expect(corsHeaders(undefined, true)).toEqual(['Vary', 'Origin']);
  });

  it('expose the request id, the limits and when to try again', () => {
    for (const known of [true, false]) {
      const exposed = named(corsHeaders(origin, known)).get('access-control-expose-headers')?.split(', ');
      expect(exposed?.map((name) => name.toLowerCase()).sort()).toEqual([
        'dpop-nonce',
        'idempotency-attempts',
        'idempotency-replayed',
        'ratelimit',
        'ratelimit-policy',
        'request-id',
        'retry-after',
        'www-authenticate',
        'x-ratelimit-limit-requests',
        'x-ratelimit-limit-tokens',
        'x-ratelimit-remaining-requests',
        'x-ratelimit-remaining-tokens',
        'x-ratelimit-reset-requests',
        'x-ratelimit-reset-tokens',
        'x-request-id',
        'x-should-retry',
        'x-tollgate-adjusted',
        'x-tollgate-model',
      ]);
    }
  });

  it('never allow credentials', () => {
    for (const headers of [corsHeaders(origin, true), corsHeaders(origin, false), preflightHeaders('x')]) {
      expect(named(headers).has('access-control-allow-credentials')).toBe(false);
    }
  });
});

describe('the headers of a preflight', () => {
  const allowed = (requested: string | undefined): string | undefined =>
    named(preflightHeaders(requested)).get('access-control-allow-headers');

  it('allow the headers asked for by name', () => {
    const stainless = 'authorization,content-type,x-stainless-arch,x-stainless-os';
    expect(allowed(stainless)).toBe(stainless);
    expect(allowed('X-Api-Key, Content-Type')).toBe('X-Api-Key, Content-Type');
  });

  it.each([undefined, '', '*/*', 'a b', 'a,', 'a,,b', 'a\r\nset-cookie: x', '"a"', 'ä'])(
    'allow the usual ones where %j was asked for',
    (requested) => {
      expect(allowed(requested)).toBe('authorization, content-type, x-api-key');
    },
  );

  it.each([
    ['spaces', (length: number) => `a${' '.repeat(length)}`],
    ['names', (length: number) => `${'a,'.repeat(length / 2)}?`],
  ])('are decided in linear time for hostile lists of %s', (_, listOf) => {
    const deciding = (amount: number) => {
      const list = listOf(amount * 20_000);
      return () => allowed(list);
    };
    expect(growth(deciding)).toBeLessThan(linear);
  });

  it('allow the methods of the data plane, are kept, and depend on what was asked', () => {
    const headers = named(preflightHeaders('authorization'));
    expect(headers.get('access-control-allow-methods')?.split(', ')).toEqual(
      expect.arrayContaining(['GET', 'POST']),
    );
    expect(Number(headers.get('access-control-max-age'))).toBeGreaterThan(0);
    expect(headers.get('vary')).toBe('Access-Control-Request-Headers');
  });
});
