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

  constructor(
    message: string,
    {
      cause,
      mayHaveRun = true,
      isFull = false,
    }: { cause?: unknown; mayHaveRun?: boolean; isFull?: boolean } = {},
  ) {
    super(message, { cause });
    this.mayHaveRun = mayHaveRun;
    this.isFull = isFull;
  }
}
