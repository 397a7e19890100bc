/** The store did not answer in time, is gone, or is full. Nothing is known about whether the command ran. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
}
