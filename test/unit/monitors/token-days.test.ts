import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FoundToken } from '../../../src/identity/operations/find-tokens.ts';
import type { Token } from '../../../src/identity/records/identity.ts';
import { type Days, dayNumber, tellingOf, tokenNotices } from '../../../src/monitors/token-days.ts';
import { expectEvent } from '../../support/expect-event.ts';

const dayMs = 86_400_000;
const today = 20_000;
const days: Days = { after: today - 1, today };
const at = (day: number, hour = 12): string => new Date(day * dayMs + hour * 3_600_000).toISOString();

function found(token: Partial<Token>, more: Partial<FoundToken> = {}): FoundToken {
  const whole: Token = {
    id: 'tok_1',
    team: 'acme',
    user: 'ana',
    name: null,
    prefix: 'tgk_12345678',
    models: null,
    endpoints: null,
    origins: null,
    tools: null,
    limits: [],
    expires_at: null,
    revoked_at: null,
    created_at: at(today - 5),
    ...token,
  };
  return { token: whole, state: 'working', uses: new Map(), lastUsedMs: null, ...more };
}

describe('a token that expires', () => {
  it.each([
    ['in a week', { expires_at: at(today + 7), created_at: at(today - 100) }, 7],
    ['tomorrow', { expires_at: at(today + 1), created_at: at(today - 100) }, 1],
    ['in six days: it was told yesterday', { expires_at: at(today + 6), created_at: at(today - 100) }, null],
    ['in eight days', { expires_at: at(today + 8, 0), created_at: at(today - 100) }, null],
    ['today: it was told', { expires_at: at(today, 23), created_at: at(today - 100) }, null],
    ['never', { created_at: at(today - 5) }, null],
    ['in a week, made for a week', { expires_at: at(today + 7), created_at: at(today, 0) }, null],
    ['tomorrow, made for an hour', { expires_at: at(today + 1, 0), created_at: at(today, 23) }, null],
    ['tomorrow, made for two days', { expires_at: at(today + 1), created_at: at(today - 1) }, 1],
  ])('%s', (_, token, told) => {
    expect(tellingOf(found(token), days)).toBe(told);
  });

  it('is told the nearer time after days without a look', () => {
    const token = found({ expires_at: at(today + 1), created_at: at(today - 100) });
    expect(tellingOf(token, { after: today - 7, today })).toBe(1);
    const later = found({ expires_at: at(today + 4), created_at: at(today - 100) });
    expect(tellingOf(later, { after: today - 7, today })).toBe(7);
  });

  it.each(['revoked', 'expired', 'suspended'] as const)('is not told if it is %s', (state) => {
    const token = { expires_at: at(today + 1), created_at: at(today - 100) };
    expect(tellingOf(found(token, { state }), days)).toBeNull();
  });

  it('is not told if nobody holds it', () => {
    expect(tellingOf(found({ prefix: '', expires_at: at(today + 1), created_at: at(1) }), days)).toBeNull();
    expect(tellingOf(found({ prefix: '', created_at: at(today - 31) }), days)).toBeNull();
  });
});

describe('a token that is not used', () => {
  it.each([
    ['for 30 days', { created_at: at(today - 31) }, {}, 'unused'],
    ['for 29 days', { created_at: at(today - 30) }, {}, null],
    ['for 31 days: it was told', { created_at: at(today - 32) }, {}, null],
    ['for 60 days', { created_at: at(today - 61) }, {}, 'unused'],
    ['since it was used', { created_at: at(1) }, { lastUsedMs: Date.parse(at(today - 31)) }, 'unused'],
    [
      'since it was made, but used',
      { created_at: at(today - 31) },
      { lastUsedMs: Date.parse(at(today - 2)) },
      null,
    ],
  ] as const)('%s', (_, token, more, told) => {
    expect(tellingOf(found(token, more), days)).toBe(told);
  });

  it('counts from its rotation', () => {
    const secrets = [{ hash: 'h', prefix: 'tgk_12345678', created_at: at(today - 10), expires_at: null }];
    expect(tellingOf(found({ created_at: at(today - 31), secrets }), days)).toBeNull();
  });
});

describe('the looks of all days', () => {
  const looksOf = (token: FoundToken, gaps: readonly number[]): (1 | 7)[] => {
    const told: (1 | 7)[] = [];
    let after = today;
    for (const gap of gaps) {
      const look = { after, today: after + gap };
      const isOver = Date.parse(token.token.expires_at ?? '') <= look.today * dayMs;
      const telling = tellingOf({ ...token, state: isOver ? 'expired' : 'working' }, look);
      if (telling === 1 || telling === 7) told.push(telling);
      after = look.today;
    }
    return told;
  };
  const lasting = (lasts: number, hour: number): FoundToken =>
    found({ created_at: at(today, hour), expires_at: at(today + lasts, hour) });

  it('tell a token seven days and one day before it expires', () => {
    fc.assert(
      fc.property(fc.integer({ min: 8, max: 100 }), fc.integer({ min: 0, max: 23 }), (lasts, hour) => {
        expect(looksOf(lasting(lasts, hour), Array<number>(110).fill(1))).toEqual([7, 1]);
      }),
    );
  });

  it('tell it once of each at most, however many days lie between them', () => {
    const gaps = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 20, maxLength: 40 });
    fc.assert(
      fc.property(
        gaps,
        fc.integer({ min: 2, max: 100 }),
        fc.integer({ min: 0, max: 23 }),
        (some, lasts, hour) => {
          expect(['', '1', '7', '7,1']).toContain(String(looksOf(lasting(lasts, hour), some)));
        },
      ),
    );
  });

  it('tell an unused token once in thirty days', () => {
    const looks = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 20, maxLength: 60 });
    fc.assert(
      fc.property(looks, fc.integer({ min: 0, max: 23 }), (gaps, hour) => {
        const token = found({ created_at: at(today, hour) });
        let [after, told] = [today, 0];
        for (const gap of gaps) {
          if (tellingOf(token, { after, today: after + gap }) === 'unused') told += 1;
          after += gap;
        }
        expect(told).toBe(Math.floor((after - today - 1) / 30));
      }),
    );
  });
});

describe('the events of a team', () => {
  it('list at most twenty tokens, the soonest first, and say how many others there are', () => {
    const tokens = Array.from({ length: 25 }, (_, n) =>
      found({ id: `tok_${n}`, created_at: at(1), expires_at: at(today + 1, 24 - (n % 24) - 1) }),
    );
    tokens.push(found({ id: 'tok_old', created_at: at(today - 31) }));
    const notices = tokenNotices('acme', tokens, days);
    expect(notices.map(({ event: { type } }) => type)).toEqual(['token.expiring', 'token.unused']);
    expect(new Set(notices.map(({ mark }) => mark)).size).toBe(2);
    for (const { event } of notices) expectEvent(asStored(event));
    const [expiring, unused] = notices.map(({ event }) => asStored(event).data);
    const listed = expiring?.['tokens'] as { token: string; expires_at: string }[];
    expect(listed).toHaveLength(20);
    expect(listed.map(({ expires_at: end }) => end)).toEqual(
      listed.map(({ expires_at: end }) => end).toSorted(),
    );
    expect(expiring?.['more']).toBe(5);
    expect(unused).toMatchObject({ tokens: [{ token: 'tok_old', last_used_at: null }], more: 0 });
  });

  it('have other marks on another day and in another team', () => {
    const token = found({ created_at: at(today - 31) });
    const marks = [
      tokenNotices('acme', [token], days),
      tokenNotices('other', [token], days),
      tokenNotices('acme', [token], { after: today - 5, today: today + 1 }),
    ].flatMap((notices) => notices.map(({ mark }) => mark));
    expect(new Set(marks).size).toBe(3);
  });
});

describe('the day of a moment', () => {
  it('is a UTC day', () => {
    expect(dayNumber(Date.parse('2026-11-30T23:59:59.999Z')) + 1).toBe(dayNumber(Date.parse('2026-12-01')));
  });
});

/** An event as JSON has it. */
function asStored<Event extends { data: object }>(event: Event): Event & { data: Record<string, never> } {
  return JSON.parse(JSON.stringify(event)) as Event & { data: Record<string, never> };
}
