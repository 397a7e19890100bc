import { dayMs, dayOf } from '../base/days.ts';
import type { IdentityStore } from '../identity/store/identity-store.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { UsageRow } from '../ledger/totals.ts';
import { dearestFirst } from '../reports/overview.ts';
import type { Monitor, Notice } from './notice.ts';

const everyMs = 5 * 60_000;
const mostUsers = 20;
/** A gateway that was down on Monday tells it on Tuesday; one that begins on Friday waits for the next week. */
const lateDays = 1;

/** A week of Monday to Sunday, UTC. */
export interface Week {
  readonly from: string;
  readonly to: string;
}

/** The week that is told now, and the one before it; null if it is too late in the week. Pure. */
export function weeksToTell(nowMs: number): { week: Week; before: Week } | null {
  const today = Date.parse(dayOf(nowMs));
  const sinceMonday = (new Date(today).getUTCDay() + 6) % 7;
  if (sinceMonday > lateDays) return null;
  const monday = today - sinceMonday * dayMs;
  const weekEnding = (endMs: number): Week => ({ from: dayOf(endMs - 7 * dayMs), to: dayOf(endMs - dayMs) });
  return { week: weekEnding(monday), before: weekEnding(monday - 7 * dayMs) };
}

/** What a team used. Rows are absent if it used nothing. */
export interface TeamWeek {
  team: string;
  used: UsageRow | undefined;
  before: UsageRow | undefined;
  users: readonly UsageRow[];
}

/** Pure. */
export function digestNotice({ team, used, before, users }: TeamWeek, week: Week, nowMs: number): Notice {
  return {
    event: {
      type: 'usage.digest',
      team,
      data: {
        ...week,
        requests: used?.requests ?? 0,
        input_tokens: used?.input_tokens ?? 0,
        output_tokens: used?.output_tokens ?? 0,
        images: used?.images ?? 0,
        errors: used?.errors ?? 0,
        cost_usd: used?.cost_usd ?? 0,
        before: { requests: before?.requests ?? 0, cost_usd: before?.cost_usd ?? 0 },
        users: dearestFirst(users, mostUsers).map(({ user = '', requests, cost_usd }) => ({
          user,
          requests,
          cost_usd,
        })),
        more_users: Math.max(0, users.length - mostUsers),
      },
    },
    mark: `usage.digest ${team} ${week.from}`,
    untilMs: nowMs + (lateDays + 2) * dayMs,
  };
}

interface DigestParts {
  ledger: Pick<Ledger, 'usage' | 'groupedUsage'>;
  identities: Pick<IdentityStore, 'ids'>;
}

/** What each team used in the week before, on Mondays. */
export function digestMonitor({ ledger, identities }: DigestParts): Monitor {
  return {
    name: 'usage.digest',
    everyMs,
    period: (nowMs) => weeksToTell(nowMs)?.week.from ?? null,
    async *notices(nowMs) {
      const weeks = weeksToTell(nowMs);
      if (weeks === null) return;
      const [[byTeam = [], byUser = []], earlier, teams] = await Promise.all([
        ledger.groupedUsage({ ...weeks.week, filters: {}, groupings: [['team'], ['team', 'user']] }),
        ledger.usage({ ...weeks.before, filters: {}, groupBy: ['team'] }),
        identities.ids('team'),
      ]);
      const used = rowsByTeam(byTeam);
      const before = rowsByTeam(earlier);
      const users = Map.groupBy(byUser, ({ team = '' }) => team);
      for (const team of teams.sort()) {
        if (!used.has(team) && !before.has(team)) continue;
        const found = { team, used: used.get(team), before: before.get(team), users: users.get(team) ?? [] };
        yield digestNotice(found, weeks.week, nowMs);
      }
    },
  };
}

function rowsByTeam(rows: readonly UsageRow[]): Map<string, UsageRow> {
  return new Map(rows.map((row) => [row.team ?? '', row]));
}
