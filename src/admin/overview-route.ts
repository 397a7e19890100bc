import { visibleTeams } from '../base/actor.ts';
import { checkQuery } from '../base/query.ts';
import { Refusal } from '../base/refusal.ts';
import { teamSource } from '../identity/operations/record-source.ts';
import { getSettings } from '../identity/operations/settings.ts';
import { gatewayCounterKey } from '../identity/records/gateway-settings.ts';
import { scopedLimits } from '../identity/records/scoped-limits.ts';
import { nearestLimits, type UsedLimit } from '../limits/nearest-limits.ts';
import { overviewSums, type OverviewSums, type Period, periodOf } from '../reports/overview.ts';
import { visibleLedger } from '../reports/pages.ts';
import type { AdminDeps, StoreState } from './deps.ts';
import { overviewDocs, overviewParameters } from './overview-docs.ts';
import { needing, type AdminContext, type Reply, type Route } from './respond.ts';

const mostLimits = 10;
/** Limits are looked for in so many teams: each takes a part of one call to the store. */
const mostTeams = 100;

/** `GET /admin/overview`: what the first page of a console shows, in one answer. */
export function overviewRoute(deps: AdminDeps): Route {
  const { ledger, clock, serving } = deps;
  /** Readings under way: those who ask for the same at once share one. */
  const readings = new Map<string, Promise<OverviewSums>>();

  async function overview(c: AdminContext): Promise<Reply> {
    const asked = checkQuery(overviewParameters, c.req.url);
    if (asked instanceof Refusal) return asked;
    const visible = visibleTeams(c.get('actor'));
    const period = periodOf(asked.period ?? 'today', clock.now());
    const isWhole = visible === null;
    const [sums, store, records] = await Promise.all([
      sumsOf(c, period, visible),
      isWhole && serving ? serving.store() : null,
      isWhole && serving ? serving.records() : null,
    ]);
    const body = {
      period,
      figures: sums.figures,
      series: sums.series,
      top_users: sums.topUsers,
      top_models: sums.topModels,
      refusals: sums.refusals,
      limits: await limitsOf(visible, sums.askedBy),
      upstreams: isWhole && serving ? briefly(serving) : null,
      store: store && storeView(store),
      records,
    };
    return { status: 200, body };
  }

  function sumsOf(c: AdminContext, period: Period, visible: readonly string[] | null): Promise<OverviewSums> {
    const key = `${period.from} ${period.to} ${visible?.join(' ') ?? '*'}`;
    const reading =
      readings.get(key) ??
      overviewSums(visibleLedger(ledger, c.get('actor')), period).finally(() => readings.delete(key));
    readings.set(key, reading);
    return reading;
  }

  async function limitsOf(
    visible: readonly string[] | null,
    askedBy: ReadonlyMap<string, number>,
  ): Promise<UsedLimit[]> {
    const source = teamSource(deps, visible);
    const [ids, settings] = await Promise.all([source.ids(), visible === null ? getSettings(deps) : null]);
    const busiest = ids
      .toSorted((a, b) => (askedBy.get(b) ?? 0) - (askedBy.get(a) ?? 0) || (a < b ? -1 : 1))
      .slice(0, mostTeams);
    const teams = await source.read(busiest);
    const gateway = { team: gatewayCounterKey, limits: scopedLimits('gateway', settings ?? { limits: [] }) };
    const ofTeams = teams.map((team) => ({ team: team.id, limits: scopedLimits('team', team) }));
    return nearestLimits(deps.counters, [gateway, ...ofTeams], mostLimits);
  }

  return { path: '/admin/overview', methods: { GET: needing('read-lists', overviewDocs, overview) } };
}

function briefly({ upstreams }: NonNullable<AdminDeps['serving']>): object[] {
  return upstreams().map(({ name, model_id, circuit }) => ({ name, model_id, circuit }));
}

function storeView({ kind, usedBytes, maxBytes, entries, oldestAtMs }: StoreState): object {
  return {
    kind,
    used_bytes: usedBytes,
    max_bytes: maxBytes === 0 ? null : maxBytes,
    entries,
    oldest_entry_at: oldestAtMs === null ? null : new Date(oldestAtMs).toISOString(),
  };
}
