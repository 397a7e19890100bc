import type { Keys } from '../store/keys.ts';
import type { Store } from '../store/store.ts';
import type { AuditedScripts } from './audit.ts';

/** The base of stores whose changes are recorded in the audit trail. Their methods reject with `StoreUnavailable`. */
export abstract class AuditedStore {
  protected readonly store: Store;
  protected readonly keys: Keys;
  protected readonly changes: AuditedScripts;

  /** Without `changes` nothing is recorded. */
  constructor(store: Store, keys: Keys, changes: AuditedScripts = withoutTrail(store)) {
    this.store = store;
    this.keys = keys;
    this.changes = changes;
  }
}

function withoutTrail(store: Store): AuditedScripts {
  return { run: (script, { keys, args }) => store.run(script, keys, args) };
}
