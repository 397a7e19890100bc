import { entryResponse } from '../audit/chain.ts';
import { gatewayCounterKey } from '../identity/records/gateway-settings.ts';
import { IdentityArchive } from '../identity/store/identity-archive.ts';
import type { Keys } from '../store/keys.ts';
import type { Store } from '../store/store.ts';
import { isJsonObject } from '../base/request.ts';
import type { Queries } from './database.ts';
import { forgetOtherTeams, recordIdentities, recordProvenance, recordsOf } from './recorded-identities.ts';

/** Teams, and '@' for what is of the whole gateway; `all` if an entry does not say which. */
export type Touched = ReadonlySet<string> | 'all';

/**
 * Keeps the identities in Postgres as they are in the store. Methods reject with `StoreUnavailable`.
 */
export class IdentityMirror {
  readonly #archive: IdentityArchive;

  constructor(store: Store, keys: Keys) {
    this.#archive = new IdentityArchive(store, keys);
  }

  /** Brings what was touched up to date, as it is in the store now. */
  async follow(queries: Queries, touched: Touched): Promise<void> {
    if (touched === 'all') return this.copy(queries);
    for (const team of touched) await this.#copyTeam(queries, team);
    if (touched.size > 0) await recordProvenance(queries, await this.#archive.provenance());
  }

  /** Brings everything up to date. */
  async copy(queries: Queries): Promise<void> {
    const teams = await this.#archive.teams();
    await forgetOtherTeams(queries, teams);
    for (const team of [gatewayCounterKey, ...teams]) await this.#copyTeam(queries, team);
    await recordProvenance(queries, await this.#archive.provenance());
  }

  async #copyTeam(queries: Queries, team: string): Promise<void> {
    const part = await (team === gatewayCounterKey ? this.#archive.gateway() : this.#archive.team(team));
    await recordIdentities(queries, team, part === null ? [] : recordsOf(team, part));
  }
}

/** What audit entries say was changed, from their stored texts. Pure. */
export function touchedBy(texts: readonly string[]): Touched {
  const touched = new Set<string>();
  for (const text of texts) {
    const teams = teamsIn(text);
    if (teams === null) return 'all';
    for (const team of teams) touched.add(team);
  }
  return touched;
}

/** Null if an entry does not say: an import of many records lists only some. */
function teamsIn(text: string): string[] | null {
  const entry = entryResponse(text, '');
  if ('unreadable' in entry) return null;
  switch (entry.kind) {
    case 'claim':
    case 'session':
      return [];
    case 'settings':
    case 'administrator':
    case 'price':
    case 'webhook':
      return [gatewayCounterKey];
    case 'team':
      // With a team its webhooks go, which are among what is of the gateway.
      if (typeof entry.team !== 'string') return null;
      return entry.after === null ? [entry.team, gatewayCounterKey] : [entry.team];
    case 'user':
    case 'token':
      return typeof entry.team === 'string' ? [entry.team] : null;
    case 'import': {
      const { records, left_out: leftOut } = entry.after ?? {};
      if (!Array.isArray(records) || leftOut !== undefined) return null;
      return records.map((record) => teamOf(isJsonObject(record) ? record : {}));
    }
    default:
      return null;
  }
}

/** Of a record in an import's entry; what is of no team is of the gateway. */
function teamOf({ team }: { team?: unknown }): string {
  return typeof team === 'string' ? team : gatewayCounterKey;
}
