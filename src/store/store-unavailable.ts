/** The store did not answer in time, is gone, or is full. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
  /**
   * Whether the command may have run, or may still run, in a store that only seemed gone. False where it was
   * never sent, or the server itself said that it would not run it.
   */
  readonly mayHaveRun: boolean;

  constructor(message: string, { cause, mayHaveRun = true }: { cause?: unknown; mayHaveRun?: boolean } = {}) {
    super(message, { cause });
    this.mayHaveRun = mayHaveRun;
  }
}
