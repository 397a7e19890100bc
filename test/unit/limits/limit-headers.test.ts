import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LimitState } from '../../../src/limits/grant.ts';
import { limitHeaders } from '../../../src/limits/limit-headers.ts';
import { type Counter, countedAt } from '../../../src/limits/window.ts';
import { type Limit, type Window, windows } from '../../../src/base/limit.ts';
import { stateOf } from './samples.ts';
import { parseList } from './structured-fields.ts';

const nowMs = Date.UTC(2026, 1, 10, 12, 0, 30);

function headersOf(...states: LimitState[]): Map<string, string> {
  const flat = limitHeaders(states, nowMs);
  expect(flat.length % 2).toBe(0);
  return new Map(flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1] ?? ''] as const] : [])));
}

function state(limit: Limit, used: number): LimitState {
  const at = limit.metric === 'concurrency' ? 0 : countedAt(limit.window, nowMs);
  const counter: Counter = { at, used, runs: [] };
  return stateOf(limit, { counter });
}

describe('limitHeaders', () => {
  it('are none where there are no limits', () => {
    expect(limitHeaders([], nowMs)).toEqual([]);
  });

  it('list every limit as a policy: quota, window in seconds, unit', () => {
    const headers = headersOf(
      state({ metric: 'tokens', window: 'month', max: 5_000 }, 0),
      state({ metric: 'images', window: 'day', max: 20 }, 0),
      state({ metric: 'requests', window: 'hour', max: 100 }, 0),
      state({ metric: 'requests', window: 'minute', max: 10 }, 0),
      state({ metric: 'concurrency', max: 3 }, 0),
    );
    expect(parseList(headers.get('RateLimit-Policy') ?? '')).toEqual([
      { name: 'team-tokens-month', parameters: { q: 5_000, w: 28 * 86_400, qu: 'tokens' } },
      { name: 'team-images-day', parameters: { q: 20, w: 86_400, qu: 'images' } },
      { name: 'team-requests-hour', parameters: { q: 100, w: 3_600 } },
      { name: 'team-requests-minute', parameters: { q: 10, w: 60 } },
      { name: 'team-concurrency', parameters: { q: 3, qu: 'concurrent-requests' } },
    ]);
  });

  it('tell the limit with the least share left', () => {
    const headers = headersOf(
      state({ metric: 'tokens', window: 'day', max: 1_000 }, 500),
      state({ metric: 'requests', window: 'day', max: 100 }, 60),
    );
    expect(parseList(headers.get('RateLimit') ?? '')).toEqual([
      { name: 'team-requests-day', parameters: { r: 40, t: 43_170 } },
    ]);
  });

  it('tell the first of equals, which is the longest window', () => {
    const headers = headersOf(
      state({ metric: 'requests', window: 'day', max: 100 }, 50),
      state({ metric: 'requests', window: 'minute', max: 10 }, 5),
    );
    expect(parseList(headers.get('RateLimit') ?? '')[0]?.name).toBe('team-requests-day');
  });

  it('take a limit of 0 for the one with nothing left', () => {
    const headers = headersOf(
      state({ metric: 'tokens', window: 'day', max: 1_000 }, 999),
      state({ metric: 'images', window: 'day', max: 0 }, 0),
    );
    expect(parseList(headers.get('RateLimit') ?? '')[0]).toMatchObject({
      name: 'team-images-day',
      parameters: { r: 0 },
    });
  });

  it('tell of concurrency no time, since nobody knows it', () => {
    const headers = headersOf(state({ metric: 'concurrency', max: 3 }, 2));
    expect(parseList(headers.get('RateLimit') ?? '')).toEqual([
      { name: 'team-concurrency', parameters: { r: 1 } },
    ]);
    expect([...headers.keys()]).toEqual(['RateLimit-Policy', 'RateLimit']);
  });

  it("speak OpenAI's dialect for requests and tokens, of the least share left of each", () => {
    const headers = headersOf(
      state({ metric: 'requests', window: 'day', max: 100 }, 1),
      state({ metric: 'requests', window: 'minute', max: 10 }, 4),
      state({ metric: 'tokens', window: 'hour', max: 1_000 }, 10),
      state({ metric: 'images', window: 'day', max: 1 }, 1),
    );
    expect([...headers].filter(([name]) => name.startsWith('x-'))).toEqual([
      ['x-ratelimit-limit-requests', '10'],
      ['x-ratelimit-remaining-requests', '6'],
      ['x-ratelimit-reset-requests', '1m0s'],
      ['x-ratelimit-limit-tokens', '1000'],
      ['x-ratelimit-remaining-tokens', '990'],
      ['x-ratelimit-reset-tokens', '1h0m0s'],
    ]);
  });

  it.each([
    ['minute', 1, '1m0s'],
    ['hour', 1, '1h0m0s'],
    ['day', 1, '11h59m30s'],
    ['month', 1, '443h59m30s'],
  ] as const)('write the reset of a %s with %i used as %s', (window: Window, current, reset) => {
    const headers = headersOf(state({ metric: 'requests', window, max: 10 }, current));
    expect(headers.get('x-ratelimit-reset-requests')).toBe(reset);
  });

  it('write whole minutes with their seconds', () => {
    const states = [state({ metric: 'requests', window: 'hour', max: 10 }, 0)];
    const flat = limitHeaders(states, nowMs + 54 * 60_000);
    expect(flat.at(-1)).toBe('6m0s');
  });

  it('stay structured fields for the largest limits there are', () => {
    const headers = headersOf(
      ...windows.map((window) => state({ metric: 'tokens', window, max: Number.MAX_SAFE_INTEGER }, 0)),
    );
    expect(parseList(headers.get('RateLimit-Policy') ?? '')).toHaveLength(4);
    expect(parseList(headers.get('RateLimit') ?? '')).toHaveLength(1);
    expect(headers.get('x-ratelimit-limit-tokens')).toBe(String(Number.MAX_SAFE_INTEGER));
  });

  describe('name a limit of some models or endpoints', () => {
    const limit: Limit = { metric: 'tokens', window: 'day', max: 10 };
    const namesOf = (...limits: Limit[]): (string | undefined)[] => {
      const states = limits.map((each, n) => withId(state(each, 0), String(n).padStart(12, 'i')));
      return parseList(headersOf(...states).get('RateLimit-Policy') ?? '').map(({ name }) => name);
    };

    it('after it, where there is one', () => {
      expect(
        namesOf(
          { ...limit, models: ['anthropic/claude:4.5'] },
          { ...limit, endpoints: ['/v1/chat/completions'] },
        ),
      ).toEqual(['team-tokens-day@anthropic/claude:4.5', 'team-tokens-day/v1/chat/completions']);
    });

    it('after the first and its id, where there are more or it is long, so that no two are alike', () => {
      const long = 'x'.repeat(127);
      const names = namesOf(
        { ...limit, models: ['nova-pro', 'nova-lite'] },
        { ...limit, models: ['nova-pro', 'nova-micro'] },
        { ...limit, models: ['nova-pro'], endpoints: ['/v1/messages'] },
        { ...limit, models: [`${long}1`] },
        { ...limit, models: [`${long}2`] },
        { ...limit, endpoints: ['/v1/messages', '/v1/embeddings'] },
      );
      expect(names.slice(0, 4)).toEqual([
        'team-tokens-day@nova-pro#iiiiiiiiiii0',
        'team-tokens-day@nova-pro#iiiiiiiiiii1',
        'team-tokens-day@nova-pro#iiiiiiiiiii2',
        `team-tokens-day@${'x'.repeat(17)}#iiiiiiiiiii3`,
      ]);
      expect(new Set(names).size).toBe(names.length);
    });

    it("after the place in a session's list, whatever the session is called", () => {
      const states = [1, 11].map((n) =>
        withId(state({ ...limit, models: ['a', 'b'] }, 0), `ses_${'s'.repeat(30)}/${n}`),
      );
      const names = parseList(headersOf(...states).get('RateLimit-Policy') ?? '').map(({ name }) => name);
      expect(new Set(names).size).toBe(2);
    });
  });

  it('are those of these limits now, whatever was told before: of other limits, in other months', () => {
    const known = (['day', 'month', 'minute'] as const).flatMap((window) => [
      state({ metric: 'tokens', window, max: 50 }, 0),
      state({ metric: 'requests', window, max: 9 }, 0),
    ]);
    const february = countedAt('month', nowMs);
    const asked = fc.shuffledSubarray(known).chain((states) =>
      fc.tuple(
        ...states.map(({ counter, ...rest }) =>
          fc.record({ used: fc.nat(60), later: fc.nat(2) }).map(({ used, later }): LimitState => {
            const at = rest.applied.span === 'month' ? february + later : counter.at;
            return { ...rest, counter: { at, used, runs: [] } };
          }),
        ),
      ),
    );
    fc.assert(
      fc.property(asked, (states) => {
        const neverSeen = states.map((each) => ({ ...each, scoped: { ...each.scoped } }));
        expect(limitHeaders(states, nowMs)).toEqual(limitHeaders(neverSeen, nowMs));
      }),
      { numRuns: 1_000 },
    );
  });

  it('keep to the 8,192 bytes a line that Heroku carries, with all limits there can be', () => {
    const limits: Limit[] = [
      { metric: 'cost_usd', window: 'month', max: 9_000_000 },
      { metric: 'requests', window: 'minute', max: 1e15 },
      { metric: 'tokens', window: 'month', max: 1e15, count_cached: false },
      { metric: 'concurrency', max: 1e15 },
    ];
    for (const limit of limits) {
      const states = scopes.flatMap((scope) =>
        Array.from({ length: 16 }, (_, n) => {
          const models = [`${n}`.padEnd(128, 'x'), 'y'];
          const { scoped, ...rest } = state({ ...limit, models }, 0);
          return withId({ ...rest, scoped: { ...scoped, scope } }, String(n).padStart(12, 'i'));
        }),
      );
      for (const [name, value] of headersOf(...states)) {
        expect(name.length + value.length + 4).toBeLessThan(8_192);
      }
    }
  });
});

const scopes = ['gateway', 'team', 'user', 'token', 'session'] as const;

function withId({ scoped, ...rest }: LimitState, id: string): LimitState {
  return { ...rest, scoped: { ...scoped, limit: { ...scoped.limit, id } } };
}
