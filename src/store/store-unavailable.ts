interface StoreUnavailableOptions {
  cause?: unknown;
  mayHaveRun?: boolean;
  isFull?: boolean;
  told?: string | null;
}

/** The store did not answer in time, cannot be reached, or is full. */
export class StoreUnavailable extends Error {
  override readonly name: string = 'StoreUnavailable';
  /**
   * Whether the command may have run, or may still run, because the store only seemed to be gone. False if it was never
   * sent, or if the server refused to run it.
   */
  readonly mayHaveRun: boolean;
  /** Whether the server has no memory left for this command (`OOM`). */
  readonly isFull: boolean;
  /** A sentence for callers that says why; null: the usual one. */
  readonly told: string | null;

  constructor(
    message: string,
    { cause, mayHaveRun = true, isFull = false, told = null }: StoreUnavailableOptions = {},
  ) {
    super(message, { cause });
    this.mayHaveRun = mayHaveRun;
    this.isFull = isFull;
    this.told = told;
  }
}

/** Whether a script refused to run because the store has lost its data: `has_forgotten.lua`. */
export function hasForgotten(error: unknown): error is Error {
  return error instanceof Error && error.message.startsWith('FORGOTTEN');
}
