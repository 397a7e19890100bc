import type { AuditTrail } from '../audit/audit-trail.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Duty } from '../events/duties.ts';
import type { Outbox } from '../events/outbox.ts';
import type { IdentityStore } from '../identity/store/identity-store.ts';
import type { SecretStore } from '../identity/store/secret-store.ts';
import type { LedgerReader } from '../ledger/ledger-reader.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Keys } from '../store/keys.ts';
import type { Store } from '../store/store.ts';
import { auditHeadMonitor } from './audit-head.ts';
import { LookedAt } from './looked-at.ts';
import { monitorsDuty } from './monitors.ts';
import { type Lag, lagMonitor } from './records-lag.ts';
import { refusingMonitor } from './refusing.ts';
import { anomalyMonitor } from './spend-anomaly.ts';
import { fillingMonitor } from './store-filling.ts';
import { tokensMonitor } from './tokens.ts';
import { digestMonitor } from './usage-digest.ts';

interface MonitorParts {
  store: Store;
  keys: Keys;
  outbox: Pick<Outbox, 'once' | 'markOf'>;
  identities: IdentityStore;
  secrets: Pick<SecretStore, 'lastUses'>;
  audit: Pick<AuditTrail, 'head'>;
  /** Store and Postgres as one. */
  ledger: Ledger;
  /** The store alone: its counts of refusals only grow, so what is new can be told from what was. */
  inStore: Pick<LedgerReader, 'refusals'>;
  lag: () => Promise<Lag | null>;
  clock: Pick<Clock, 'monotonic'>;
  log: Log;
}

/** All monitors, as a duty of one process. */
export function allMonitors({ store, keys, outbox, clock, log, ...parts }: MonitorParts): Duty {
  const lookedAt = new LookedAt(store, keys);
  const { identities, secrets, audit, ledger, inStore, lag } = parts;
  const monitors = [
    refusingMonitor({ ledger: inStore, identities, outbox }),
    fillingMonitor({ store, outbox }),
    lagMonitor({ outbox, lag }),
    auditHeadMonitor({ audit }),
    anomalyMonitor({ ledger, identities }),
    tokensMonitor({ identities, secrets, lookedAt }),
    digestMonitor({ ledger, identities }),
  ];
  return monitorsDuty({ monitors, outbox, lookedAt, store, keys, clock, log });
}
