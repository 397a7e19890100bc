import { visibleTeams, type Actor } from '../base/actor.ts';
import type { LedgerReader } from '../ledger/entry.ts';
import type { RefusalStore } from '../ledger/refusal-count.ts';

/** The ledger as an actor may read it: its teams are part of every query, whatever else the query says. */
export function visibleLedger(ledger: LedgerReader, actor: Actor): Omit<LedgerReader, 'extent'> {
  const teams = visibleTeams(actor);
  if (teams === null) return ledger;
  return {
    usage: (query) => ledger.usage({ ...query, teams }),
    entries: (query) => ledger.entries({ ...query, teams }),
  };
}

/** The refusals counted, in the same way. */
export function visibleRefusals(
  refused: Pick<RefusalStore, 'refusals'>,
  actor: Actor,
): Pick<RefusalStore, 'refusals'> {
  const teams = visibleTeams(actor);
  return teams === null ? refused : { refusals: (query) => refused.refusals({ ...query, teams }) };
}
