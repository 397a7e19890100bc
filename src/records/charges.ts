import { gatewayCounterKey } from '../identity/records/gateway-settings.ts';
import type { Queries } from './database.ts';

/** What some limits of a team, or of the gateway, have been charged. */
interface Charges {
  readonly team: string;
  /** For each limit: `field index amount;`. */
  readonly charges: string;
}

interface Counter {
  readonly team: string;
  readonly field: string;
  readonly window_index: number;
  charged: number;
}

/** A window that is over is replaced by the next; what comes late for an earlier one no longer counts. */
const addToCounters = `INSERT INTO counters AS known (team, field, window_index, charged)
  SELECT team, field, window_index, charged FROM json_populate_recordset(NULL::counters, $1)
  ON CONFLICT (team, field) DO UPDATE SET
    charged = excluded.charged + CASE WHEN known.window_index = excluded.window_index THEN known.charged ELSE 0 END,
    window_index = excluded.window_index,
    charged_at = now()
  WHERE known.window_index <= excluded.window_index`;

/** Adds charges to the counters of their windows. */
export async function addCharges(queries: Queries, all: readonly Charges[]): Promise<void> {
  const newest = newestWindows(all);
  if (newest.length > 0) await queries.query(addToCounters, [JSON.stringify(newest)]);
}

/** The sums by limit, of the newest window of each. Pure. */
export function newestWindows(all: readonly Charges[]): Counter[] {
  const counters = new Map<string, Counter>();
  for (const { team, charges } of all) {
    for (const [, field = '', index, amount] of charges.matchAll(/([^ ;]{1,200}) (\d{1,12}) (\d{1,15});/g)) {
      const counter = {
        team: field.startsWith(`${gatewayCounterKey}/`) ? gatewayCounterKey : team,
        field,
        window_index: Number(index),
        charged: Number(amount),
      };
      const key = `${counter.team} ${field}`;
      const known = counters.get(key);
      if (known !== undefined && known.window_index > counter.window_index) continue;
      if (known?.window_index === counter.window_index) counter.charged += known.charged;
      counters.set(key, counter);
    }
  }
  return [...counters.values()];
}
