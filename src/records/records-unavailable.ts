import { StoreUnavailable } from '../store/store-unavailable.ts';

/** Postgres did not answer in time, cannot be reached, or refused. Callers see it as a 503 of the store's kind. */
export class RecordsUnavailable extends StoreUnavailable {
  override readonly name: string = 'RecordsUnavailable';
  /** The SQLSTATE of the server's refusal; null if it did not answer. */
  readonly sqlState: string | null;

  constructor(
    message: string,
    { cause, sqlState = null }: { cause?: unknown; sqlState?: string | null } = {},
  ) {
    // What the server says may name its users, addresses and tables: that is for the log and for `/admin/records`.
    const told = sqlState === null ? message : 'Postgres, which keeps the records, cannot be used now.';
    super(message, { cause, mayHaveRun: false, told });
    this.sqlState = sqlState;
  }
}
