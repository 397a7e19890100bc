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
    super(message, { cause, mayHaveRun: false, told: message });
    this.sqlState = sqlState;
  }
}
