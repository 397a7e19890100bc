import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { UsageRow } from '../../../src/ledger/totals.ts';
import type { Notice } from '../../../src/monitors/notice.ts';
import { type Lag, lagNotice } from '../../../src/monitors/records-lag.ts';
import { type Refused, refusingNotice } from '../../../src/monitors/refusing.ts';
import { anomalyNotice } from '../../../src/monitors/spend-anomaly.ts';
import { fillingNotice } from '../../../src/monitors/store-filling.ts';
import { digestNotice, weeksToTell } from '../../../src/monitors/usage-digest.ts';
import { noUsage } from '../../support/no-usage.ts';
import { expectEvent } from '../../support/expect-event.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const noonMs = Date.parse('2026-11-30T12:00:00Z'); // a Monday

/** The data of a notice, checked. */
function dataOf(notice: Notice | null): Record<string, unknown> {
  if (!notice) throw new Error('There is nothing to tell.');
  const stored = JSON.parse(JSON.stringify(notice.event)) as Parameters<typeof expectEvent>[0];
  return expectEvent(stored);
}

/** Tells as the outbox does: if the mark says what it must. */
class Marks {
  said = '';
  readonly toldAtMs: number[] = [];

  tell(notice: Notice | null, nowMs: number): void {
    if (!notice) return;
    const { from, to } = notice.says ?? { from: '', to: '1' };
    expect(from).toBe(this.said);
    expect(notice.untilMs).toBeGreaterThan(nowMs);
    this.said = to;
    this.toldAtMs.push(nowMs);
  }
}

describe('a store that fills', () => {
  const filled = (usedBytes: number, said = '', nowMs = noonMs): Notice | null =>
    fillingNotice({ usedBytes, maxBytes: 1_000 }, said, nowMs);

  it.each([
    [799, null],
    [800, 80],
    [949, 80],
    [950, 95],
    [1_200, 95],
  ])('of %i permille is told as %s', (usedBytes, level) => {
    const notice = filled(usedBytes);
    expect(notice ? dataOf(notice)['level'] : null).toBe(level);
  });

  it('is not told if it has no bound', () => {
    expect(fillingNotice({ usedBytes: 5_000, maxBytes: 0 }, '', noonMs)).toBeNull();
  });

  it('is told at once when it comes to the next level, and not when it comes back', () => {
    const marks = new Marks();
    const hours = [820, 970, 850, 990, 700, 810].map((used, hour): [number, number] => [used, hour]);
    for (const [used, hour] of hours) {
      const nowMs = noonMs + hour * hourMs;
      marks.tell(filled(used, marks.said, nowMs), nowMs);
    }
    expect(marks.toldAtMs).toEqual([noonMs, noonMs + hourMs]);
    expect(filled(810, marks.said, noonMs + 2 * dayMs)).not.toBeNull();
  });

  it('that hovers is told twice a day at most', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 700, max: 1_000 }), { minLength: 50, maxLength: 200 }),
        (used) => {
          const marks = new Marks();
          used.forEach((bytes, n) => {
            const nowMs = noonMs + n * hourMs;
            marks.tell(filled(bytes, marks.said, nowMs), nowMs);
          });
          for (const [n, toldMs] of marks.toldAtMs.entries()) {
            const third = marks.toldAtMs[n + 2];
            if (third !== undefined) expect(third - toldMs).toBeGreaterThanOrEqual(dayMs);
          }
        },
      ),
    );
  });
});

describe('records that lag', () => {
  const lag = (more: Partial<Lag> & { bytes?: number; drainedAtMs?: number | null } = {}): Lag => {
    const { bytes = 100, drainedAtMs = noonMs - dayMs, ...rest } = more;
    const backlog = { entries: 4, refusals: 2, audit: 1, bytes, drainedAtMs };
    return { backlog, oldestAtMs: noonMs - 1_000, backlogBytes: 1_000, ...rest };
  };

  it.each([
    ['nothing waits', lag({ oldestAtMs: null }), false],
    ['it waits for a second', lag(), false],
    ['it waits for ten minutes', lag({ oldestAtMs: noonMs - 600_001 }), true],
    ['it takes half of the bound', lag({ bytes: 500 }), true],
    ['it takes less', lag({ bytes: 499 }), false],
    ['records have just begun', lag({ oldestAtMs: noonMs - dayMs, drainedAtMs: null }), false],
  ])('are told or not: %s', (_, found, isTold) => {
    const notice = lagNotice(found, '', noonMs);
    expect(notice !== null).toBe(isTold);
    if (notice) expect(dataOf(notice)).toMatchObject({ entries: 4, refusals: 2, audit: 1 });
  });

  it('are told once an hour', () => {
    const marks = new Marks();
    for (let minute = 0; minute < 150; minute += 1) {
      const nowMs = noonMs + minute * 60_000;
      marks.tell(lagNotice(lag({ bytes: 900 }), marks.said, nowMs), nowMs);
    }
    expect(marks.toldAtMs).toEqual([0, 1, 2].map((hour) => noonMs + hour * hourMs));
  });
});

describe('limits that refuse', () => {
  const refused = (more: Partial<Refused>): Refused => ({
    day: '2026-11-30',
    team: 'acme',
    user: 'ana',
    limit: 'team requests/day',
    refused: 1,
    lastMs: noonMs,
    ...more,
  });
  const noticeOf = (rows: readonly Refused[], said = '', nowMs = noonMs): Notice | null =>
    refusingNotice({ team: 'acme', refused: rows, said }, nowMs);

  it('are told at the first refusal, with who was refused', () => {
    const rows = [refused({ refused: 3 }), refused({ user: 'bo', limit: 'user tokens/hour', refused: 5 })];
    expect(dataOf(noticeOf(rows))).toEqual({
      refused: 8,
      since: '2026-11-30T00:00:00.000Z',
      limits: [
        { limit: 'user tokens/hour', refused: 5 },
        { limit: 'team requests/day', refused: 3 },
      ],
      users: [
        { team: 'acme', user: 'bo' },
        { team: 'acme', user: 'ana' },
      ],
    });
  });

  it('are told again after an hour only, with how many since', () => {
    const said = noticeOf([refused({ refused: 3 })])?.says?.to ?? '';
    const more = [refused({ refused: 10 })];
    expect(noticeOf(more, said, noonMs + hourMs - 1)).toBeNull();
    expect(dataOf(noticeOf(more, said, noonMs + hourMs))).toMatchObject({
      refused: 7,
      since: new Date(noonMs).toISOString(),
    });
    expect(noticeOf([refused({ refused: 3 })], said, noonMs + hourMs)).toBeNull();
  });

  it('are told just after midnight if they were just before', () => {
    const midnightMs = Date.parse('2026-12-01');
    const said = noticeOf([refused({ refused: 3, lastMs: midnightMs - 1 })], '', midnightMs + 1_000);
    expect(dataOf(said)).toMatchObject({ refused: 3, since: '2026-11-30T00:00:00.000Z' });
    const older = [refused({ refused: 3, lastMs: midnightMs - hourMs })];
    expect(noticeOf(older, '', midnightMs + 1_000)).toBeNull();
    const rows = [refused({ refused: 3 }), refused({ day: '2026-12-01', refused: 4 })];
    expect(dataOf(noticeOf(rows, said?.says?.to, midnightMs + 2 * hourMs))).toMatchObject({ refused: 4 });
  });

  it('list at most ten limits and five users', () => {
    const rows = Array.from({ length: 30 }, (_, n) =>
      refused({ user: `u${n}`, limit: `user requests/day ${n}`, refused: n + 1 }),
    );
    const data = dataOf(noticeOf(rows)) as { refused: number; limits: object[]; users: object[] };
    expect([data.refused, data.limits.length, data.users.length]).toEqual([465, 10, 5]);
    expect(data.users[0]).toEqual({ team: 'acme', user: 'u29' });
  });

  it('are all told once, over midnights too', () => {
    const step = fc.record({ minutes: fc.integer({ min: 1, max: 240 }), refused: fc.nat({ max: 5 }) });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), (steps) => {
        const marks = new Marks();
        const byDay = new Map<string, number>();
        let [nowMs, all, told] = [noonMs, 0, 0];
        const look = (): void => {
          const rows = [...byDay].map(([day, count]) => refused({ day, refused: count }));
          const days = new Set([nowMs - dayMs, nowMs].map((ms) => new Date(ms).toISOString().slice(0, 10)));
          const notice = noticeOf(
            rows.filter(({ day, refused: count }) => days.has(day) && count > 0),
            marks.said,
            nowMs,
          );
          if (notice) told += Number(dataOf(notice)['refused']);
          marks.tell(notice, nowMs);
        };
        for (const { minutes, refused: count } of steps) {
          nowMs += minutes * 60_000;
          const day = new Date(nowMs).toISOString().slice(0, 10);
          byDay.set(day, (byDay.get(day) ?? 0) + count);
          all += count;
          look();
        }
        nowMs += hourMs;
        look();
        expect(told).toBe(all);
        for (const [n, toldMs] of marks.toldAtMs.entries()) {
          const next = marks.toldAtMs[n + 1];
          if (next !== undefined) expect(next - toldMs).toBeGreaterThanOrEqual(hourMs);
        }
      }),
    );
  });

  it('of the gateway have a mark of their own', () => {
    const notice = refusingNotice(
      { team: null, refused: [refused({ limit: 'gateway requests/day' })], said: '' },
      noonMs,
    );
    expect(dataOf(notice)).toMatchObject({ users: [{ team: 'acme', user: 'ana' }] });
    expect(notice?.mark).not.toBe(noticeOf([refused({})])?.mark);
  });
});

describe('a team that spends more than usually', () => {
  const notice = (todayUsd: number, beforeUsd: readonly number[]): Notice | null =>
    anomalyNotice({ team: 'acme', todayUsd, beforeUsd }, noonMs);

  it.each([
    ['three times the mean, and no more', 30, [10, 10, 10, 10, 10, 10, 10], false],
    ['more', 30.01, [10, 10, 10, 10, 10, 10, 10], true],
    ['days without spend count in the mean', 13, [10, 10, 10], true],
    ['too few days to compare with', 100, [1, 1], false],
    ['days of nothing are none', 100, [1, 1, 0], false],
    ['cents', 0.99, [0.01, 0.01, 0.01], false],
    ['a dollar', 1, [0.01, 0.01, 0.01], true],
  ])('is told or not: %s', (_, todayUsd, beforeUsd, isTold) => {
    const found = notice(todayUsd, beforeUsd);
    expect(found !== null).toBe(isTold);
    if (found) expect(dataOf(found)).toMatchObject({ day: '2026-11-30', cost_usd: todayUsd });
  });

  it('has one mark a day', () => {
    const before = [1, 1, 1];
    expect(notice(10, before)?.mark).toBe(notice(20, before)?.mark);
    const spend = { team: 'acme', todayUsd: 10, beforeUsd: before };
    expect(anomalyNotice(spend, noonMs + dayMs)?.mark).not.toBe(notice(10, before)?.mark);
  });
});

describe('the digest of a week', () => {
  it('is told on Monday or Tuesday, of Monday to Sunday', () => {
    const monday = Date.parse('2026-11-30');
    const week = { from: '2026-11-23', to: '2026-11-29' };
    const before = { from: '2026-11-16', to: '2026-11-22' };
    expect(weeksToTell(monday)).toEqual({ week, before });
    expect(weeksToTell(monday + 2 * dayMs - 1)).toEqual({ week, before });
    expect(weeksToTell(monday + 2 * dayMs)).toBeNull();
    expect(weeksToTell(monday - 1)).toBeNull();
    expect(weeksToTell(monday + 7 * dayMs)?.before).toEqual(week);
  });

  it('has a team’s figures, and the twenty users that cost most', () => {
    const row = (user: string, cost: number): UsageRow => ({ ...noUsage, user, requests: 1, cost_usd: cost });
    const users = Array.from({ length: 25 }, (_, n) => row(`u${n}`, n));
    const used = { ...noUsage, requests: 25, cost_usd: 300 };
    const week = { from: '2026-11-23', to: '2026-11-29' };
    const data = dataOf(digestNotice({ team: 'acme', used, before: undefined, users }, week, noonMs));
    expect(data).toMatchObject({
      requests: 25,
      before: { requests: 0, cost_usd: 0 },
      more_users: 5,
      ...week,
    });
    expect(data['users']).toHaveLength(20);
    expect((data['users'] as object[])[0]).toEqual({ user: 'u24', requests: 1, cost_usd: 24 });
  });
});
