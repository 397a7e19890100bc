import { visibleTeams, type Actor } from '../core/actor.ts';
import type { LedgerReader } from '../core/entry.ts';

/** The ledger as an actor may read it: its teams are part of every query, whatever else the query says. */
export function visibleLedger(ledger: LedgerReader, actor: Actor): Omit<LedgerReader, 'extent'> {
  const teams = visibleTeams(actor);
  if (teams === null) return ledger;
  return {
    usage: (query) => ledger.usage({ ...query, teams }),
    entries: (query) => ledger.entries({ ...query, teams }),
  };
}
