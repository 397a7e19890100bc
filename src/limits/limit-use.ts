import type { Principal, ScopedLimit } from '../identity/records/identity.ts';
import { limitName, type Scope } from '../base/limit.ts';
import { nanoUsdPerUsd } from '../base/price.ts';
import { tagText } from '../base/tags.ts';
import type { LimitsOf } from './counters.ts';
import { type LimitState, maxOf } from './grant.ts';

/** How much of a limit is used now, for metrics. Money is in dollars. */
export interface LimitUse {
  /** Empty if it is the gateway's. */
  team: string;
  scope: Scope;
  /** Such as `tokens/day`. */
  limit: string;
  /** The models, paths and tags that it covers, comma-separated; empty: all. */
  covers: string;
  used: number;
  max: number;
}

/** Each team costs some series, and a part of the call to the store for every scrape. */
const maxTeams = 100;
/** A team that has sent nothing for so long is forgotten, so that its series end. */
const keptMs = 86_400_000;

/** Remembers which teams have been at work here, and reads how much of their limits and the gateway's is used. */
export class LimitsInUse {
  readonly #teams = new Map<string, { limits: readonly ScopedLimit[]; atMs: number }>();

  /** A principal asks for admission. `atMs` is monotonic. */
  note({ identity: { team }, limits }: Principal, atMs: number): void {
    const known = this.#teams.get(team.id);
    if (known) {
      known.limits = limits;
      known.atMs = atMs;
      return;
    }
    if (limits.length === 0) return;
    if (this.#teams.size >= maxTeams) this.#forgetFirst();
    this.#teams.set(team.id, { limits, atMs });
  }

  /** Reads the use of each team's limits. Users, tokens and sessions have none: there may be any number of them. */
  async read(
    counted: (asked: readonly LimitsOf<ScopedLimit>[]) => Promise<readonly (readonly LimitState[])[]>,
    nowMs: number,
  ): Promise<LimitUse[]> {
    for (const [team, { atMs }] of this.#teams) if (atMs < nowMs - keptMs) this.#teams.delete(team);
    // The newest last: of the gateway's own limits, which all of them have, the last one counts.
    const teams = [...this.#teams].sort(([, a], [, b]) => a.atMs - b.atMs);
    const asked = teams.flatMap(([team, { limits }]) => {
      const shared = limits.filter(isShared);
      return shared.length === 0 ? [] : [{ team, limits: shared }];
    });
    if (asked.length === 0) return [];
    const read = await counted(asked);
    return asked.flatMap(({ team }, n) => (read[n] ?? []).map((state) => useOf(team, state)));
  }

  /** That which was noted first: to look for the one that was quiet for longest would take time from a request. */
  #forgetFirst(): void {
    for (const team of this.#teams.keys()) {
      this.#teams.delete(team);
      return;
    }
  }
}

function isShared({ scope }: ScopedLimit): boolean {
  return scope === 'gateway' || scope === 'team';
}

function useOf(team: string, state: LimitState): LimitUse {
  const {
    scoped: { scope, limit },
    counter,
  } = state;
  const unit = limit.metric === 'cost_usd' ? nanoUsdPerUsd : 1;
  return {
    team: scope === 'gateway' ? '' : team,
    scope,
    limit: limitName(limit),
    covers: [
      ...(limit.models ?? []),
      ...(limit.endpoints ?? []),
      ...(limit.tags ? [tagText(limit.tags)] : []),
    ].join(','),
    used: counter.used / unit,
    max: maxOf(state) / unit,
  };
}
