import { dayMs, dayOf } from '../base/days.ts';
import { parsedJson } from '../base/request.ts';
import type { Outbox } from '../events/outbox.ts';
import type { IdentityStore } from '../identity/store/identity-store.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { RefusalRow } from '../ledger/refusal-count.ts';
import type { Monitor, Notice } from './notice.ts';

const everyMs = 60_000;
const tellEveryMs = 3_600_000;
const mostLimits = 10;
const mostUsers = 5;
/** Limits of sessions and end users are not told: whoever makes their requests is not the team's administrator. */
const ofTeam = /^(?:team|user|token) /;
const ofGateway = /^gateway /;

/** What one user was refused by one limit on one day. */
export interface Refused {
  day: string;
  team: string;
  user: string;
  /** Such as `team tokens/day`. */
  limit: string;
  refused: number;
  /** When the last of them was refused, ms. */
  lastMs: number;
}

/** What was told last, as the mark has it. */
interface Told {
  atMs: number;
  day: string;
  /** How many each limit had refused on that day by then. */
  counts: Record<string, number>;
}

/**
 * Tells what limits have refused since that was told last, at most once an hour. `team` null: those of the gateway. `refused`
 * is of today and yesterday, UTC; `said` is what the mark says. Pure.
 */
export function refusingNotice(
  { team, refused, said }: { team: string | null; refused: readonly Refused[]; said: string },
  nowMs: number,
): Notice | null {
  const today = dayOf(nowMs);
  const told = toldIn(said, nowMs);
  if (told && nowMs < told.atMs + tellEveryMs) return null;
  // If nothing was told, what was refused just before midnight counts too.
  const isRecent = ({ day, lastMs }: Refused): boolean =>
    told ? day >= told.day : day === today || lastMs > nowMs - tellEveryMs;
  const recent = refused.filter(isRecent);
  const since = new Map(
    [...sumsOf(recent, ({ limit }) => limit)]
      .map(([limit, sum]) => [limit, sum - (told?.counts[limit] ?? 0)] as const)
      .filter(([, count]) => count > 0),
  );
  if (since.size === 0) return null;
  const todays = sumsOf(
    refused.filter(({ day }) => day === today),
    ({ limit }) => limit,
  );
  const next: Told = { atMs: nowMs, day: today, counts: Object.fromEntries(todays) };
  const users = mostFirst(
    sumsOf(recent, ({ team: of, user }) => `${of}/${user}`),
    mostUsers,
  );
  return {
    event: {
      type: 'limit.refusing',
      team,
      data: {
        refused: [...since.values()].reduce((sum, count) => sum + count, 0),
        since: new Date(told?.atMs ?? Math.min(...recent.map(({ day }) => Date.parse(day)))).toISOString(),
        limits: mostFirst(since, mostLimits).map(([limit, count]) => ({ limit, refused: count })),
        users: users.map(([name]) => {
          const [of = '', user = ''] = name.split('/'); // ids have no slash
          return { team: of, user };
        }),
      },
    },
    mark: markOf(team),
    untilMs: Date.parse(today) + 2 * dayMs,
    says: { from: said, to: JSON.stringify(next) },
  };
}

/** Null if it is of no day that is still counted. */
function toldIn(said: string, nowMs: number): Told | null {
  const told = parsedJson(said) as Told | undefined; // written above
  return told !== undefined && told.day >= dayOf(nowMs - dayMs) ? told : null;
}

function sumsOf(refused: readonly Refused[], nameOf: (row: Refused) => string): Map<string, number> {
  const sums = new Map<string, number>();
  for (const row of refused) sums.set(nameOf(row), (sums.get(nameOf(row)) ?? 0) + row.refused);
  return sums;
}

function mostFirst(sums: ReadonlyMap<string, number>, most: number): [name: string, count: number][] {
  return [...sums].sort(([, a], [, b]) => b - a).slice(0, most);
}

function markOf(team: string | null): string {
  return `limit.refusing ${team ?? ''}`.trimEnd();
}

interface RefusingParts {
  ledger: Pick<Ledger, 'refusals'>;
  identities: Pick<IdentityStore, 'ids'>;
  outbox: Pick<Outbox, 'markOf'>;
}

/** What limits refuse, as it is counted by day. A row of which a full day has no details is not told. */
export function refusingMonitor({ ledger, identities, outbox }: RefusingParts): Monitor {
  return {
    name: 'limit.refusing',
    everyMs,
    async *notices(nowMs) {
      const rows = await ledger.refusals({
        from: dayOf(nowMs - dayMs),
        to: dayOf(nowMs),
        filters: {},
        groupBy: ['day', 'team', 'user', 'limit'],
      });
      const refused = rows.flatMap(byLimit);
      const teams = new Set(await identities.ids('team'));
      const byTeam = Map.groupBy(
        refused.filter(({ team, limit }) => ofTeam.test(limit) && teams.has(team)),
        ({ team }) => team,
      );
      const all: [team: string | null, refused: Refused[]][] = [
        [null, refused.filter(({ limit }) => ofGateway.test(limit))],
        ...byTeam,
      ];
      for (const [team, own] of all) {
        if (own.length === 0) continue;
        const notice = refusingNotice({ team, refused: own, said: await outbox.markOf(markOf(team)) }, nowMs);
        if (notice) yield notice;
      }
    },
  };
}

function byLimit({ day, team, user, limit, refused, last_at: lastAt }: RefusalRow): Refused[] {
  const lastMs = lastAt === null ? 0 : Date.parse(lastAt);
  return day && team && user && limit ? [{ day, team, user, limit, refused, lastMs }] : [];
}
