import type { AuditTrail } from '../audit/audit-trail.ts';
import type { Clock } from '../base/clock.ts';
import type { LedgerReader } from '../ledger/ledger-reader.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Keys } from '../store/keys.ts';
import type { Store } from '../store/store.ts';
import { RecordedLedger } from './recorded-ledger.ts';
import { RecordedTrail } from './recorded-trail.ts';
import { RecordsView } from './records-view.ts';
import { type RecordsSource, Seam } from './seam.ts';
import { StoreAlone } from './store-alone.ts';

interface ReaderParts {
  store: Store;
  keys: Keys;
  /** What reads the store alone. */
  ledger: LedgerReader;
  audit: Pick<AuditTrail, 'entries'>;
  /** Null without `DATABASE_URL`. */
  source: RecordsSource | null;
  /** For how many days the store keeps sums. */
  retentionDays: number;
  clock: Pick<Clock, 'now'>;
}

export interface Readers {
  ledger: Ledger;
  audit: Pick<AuditTrail, 'entries'>;
  recordsView: RecordsView;
}

/** What reads ledger and audit trail: from the store and from Postgres, if there are records. */
export function readersOf({ source, ledger, audit, ...parts }: ReaderParts): Readers {
  const { store, keys } = parts;
  if (source === null) return { ledger, audit, recordsView: new RecordsView({ store, keys, seam: null }) };
  const seam = new Seam(source, store, keys);
  const alone = new StoreAlone(parts);
  return {
    ledger: new RecordedLedger({ seam, ledger, alone }),
    audit: new RecordedTrail({ seam, trail: audit, alone }),
    recordsView: new RecordsView({ store, keys, seam }),
  };
}
