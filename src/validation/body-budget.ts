/**
 * The bytes of request bodies this process holds at once (`BODY_BUDGET_BYTES`). Many bodies, each within its own
 * limit, would otherwise add up to more memory than a dyno has.
 */
export class BodyBudget {
  private readonly maxBytes: number;
  private takenBytes = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  /** True when the bytes fitted and are now counted; false leaves the budget as it was. */
  take(bytes: number): boolean {
    if (this.takenBytes + bytes > this.maxBytes) return false;
    this.takenBytes += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.takenBytes -= bytes;
  }

  get usedBytes(): number {
    return this.takenBytes;
  }
}
