import { dayMs, dayOf } from '../base/days.ts';
import type { IdentityStore } from '../identity/store/identity-store.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Monitor, Notice } from './notice.ts';

const everyMs = 15 * 60_000;
const daysBefore = 7;
/** A team that has just begun has no days to compare with. */
const fewestDays = 3;
const times = 3;
const leastUsd = 1;

/** What a team has spent, in dollars. */
export interface Spend {
  team: string;
  todayUsd: number;
  /** On days before today, those without spend left out. */
  beforeUsd: readonly number[];
}

/** Tells once a day that a team has spent much more than it does usually. `nowMs`: a moment of today, UTC. Pure. */
export function anomalyNotice({ team, todayUsd, beforeUsd }: Spend, nowMs: number): Notice | null {
  if (todayUsd < leastUsd || beforeUsd.filter((usd) => usd > 0).length < fewestDays) return null;
  const meanUsd = beforeUsd.reduce((sum, usd) => sum + usd, 0) / daysBefore;
  if (todayUsd <= times * meanUsd) return null;
  const day = dayOf(nowMs);
  return {
    event: { type: 'spend.anomaly', team, data: { day, cost_usd: todayUsd, mean_usd: meanUsd } },
    mark: `spend.anomaly ${team} ${day}`,
    untilMs: nowMs + 2 * dayMs,
  };
}

interface AnomalyParts {
  ledger: Pick<Ledger, 'usage'>;
  identities: Pick<IdentityStore, 'ids'>;
}

/** What teams spend today, beside the seven days before. These are read once a day. */
export function anomalyMonitor({ ledger, identities }: AnomalyParts): Monitor {
  let before: { today: string; byTeam: ReadonlyMap<string, number[]> } | null = null;
  return {
    name: 'spend.anomaly',
    everyMs,
    async *notices(nowMs) {
      const today = dayOf(nowMs);
      if (before?.today !== today) before = { today, byTeam: await spentBefore(ledger, nowMs) };
      const [spent, teams] = await Promise.all([
        ledger.usage({ from: today, to: today, filters: {}, groupBy: ['team'] }),
        identities.ids('team'),
      ]);
      const isThere = new Set(teams);
      for (const { team = '', cost_usd: todayUsd } of spent) {
        if (!isThere.has(team)) continue;
        const notice = anomalyNotice({ team, todayUsd, beforeUsd: before.byTeam.get(team) ?? [] }, nowMs);
        if (notice) yield notice;
      }
    },
  };
}

async function spentBefore(ledger: Pick<Ledger, 'usage'>, nowMs: number): Promise<Map<string, number[]>> {
  const rows = await ledger.usage({
    from: dayOf(nowMs - daysBefore * dayMs),
    to: dayOf(nowMs - dayMs),
    filters: {},
    groupBy: ['day', 'team'],
  });
  const byTeam = new Map<string, number[]>();
  for (const { team = '', cost_usd: usd } of rows) byTeam.set(team, [...(byTeam.get(team) ?? []), usd]);
  return byTeam;
}
