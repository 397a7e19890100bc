import { gatewayCounterKey } from '../identity/records/gateway-settings.ts';
import { counterKeyOfLimit } from '../identity/records/session.ts';
import { decodeOpen, type OpenRequest } from '../limits/open-record.ts';
import { chargesOfHeld } from '../limits/recorded-charges.ts';
import { isSupplement } from '../limits/supplement.ts';
import { newestWindows } from './charges.ts';
import type { DayRow, RecordedCounter } from './recorded-state.ts';
import type { OpenHeld } from './restored-store.ts';

/** An open request, read. */
export interface OpenRead extends OpenHeld {
  readonly admittedAtMs: number;
  readonly request: OpenRequest;
}

export function readOpen(open: OpenHeld): OpenRead {
  const tab = open.text.indexOf('\t');
  return {
    ...open,
    admittedAtMs: Number(open.text.slice(0, tab)),
    request: decodeOpen(open.text.slice(tab + 1)),
  };
}

/** The grant that has the entry: a supplement has none of its own. */
export function entryIdOf({ grant }: OpenHeld): string {
  return isSupplement(grant) ? grant.slice(0, -1) : grant;
}

/**
 * The counters of each team, and of the gateway ('@'), as the store keeps them: what was charged, and what is reserved for
 * requests that are still open. Pure.
 */
export function countersOf(
  recorded: readonly RecordedCounter[],
  open: readonly OpenRead[],
): ReadonlyMap<string, DayRow[]> {
  const sums = new Map<string, Sum>();
  for (const { team, field, index, charged } of recorded) {
    sums.set(`${team} ${field}`, { team, field, index, sum: charged, settled: charged });
  }
  for (const each of open) for (const held of heldBy(each)) add(sums, held);
  const teams = new Map<string, DayRow[]>();
  for (const { team, field, index, sum, settled } of sums.values()) {
    const row: DayRow = [field, `${index} ${sum} ${settled}`];
    teams.set(team, [...(teams.get(team) ?? []), row]);
  }
  return teams;
}

/** A counter of a calendar window, or of what is open, which has the index 0. */
interface Sum {
  readonly team: string;
  readonly field: string;
  readonly index: number;
  sum: number;
  readonly settled: number;
}

function heldBy({ request, admittedAtMs }: OpenRead): Sum[] {
  const { team, slots, held } = request;
  const reserved = newestWindows([{ team, charges: chargesOfHeld(held, admittedAtMs) }]);
  return [
    ...reserved.map(({ window_index: index, charged: sum, ...of }) => ({ ...of, index, sum, settled: 0 })),
    ...slots.flatMap((field) => {
      const key = counterKeyOfLimit(field) ?? team;
      // A session's own limits count in its own key.
      const isOfTeam = key === team || key === gatewayCounterKey;
      return isOfTeam ? [{ team: key, field, index: 0, sum: 1, settled: 0 }] : [];
    }),
  ];
}

/** A counter of a later window takes the place of one that is over. */
function add(sums: Map<string, Sum>, held: Sum): void {
  const key = `${held.team} ${held.field}`;
  const known = sums.get(key);
  if (known === undefined || known.index < held.index) sums.set(key, { ...held });
  else if (known.index === held.index) known.sum += held.sum;
}
