import { createHmac } from 'node:crypto';
import { HourlySecrets } from '../../store/hourly-secrets.ts';

/** How long a nonce is handed out; it is taken for two minutes longer. */
export const nonceMs = 60_000;
const taken = 3;
const nonceBytes = 16;

/**
 * The nonces of proofs (RFC 9449, 8 and 9): one a minute for everybody, made from a secret that all processes share, so any
 * of them can check what another handed out. Nobody can tell the next one, and so make proofs for later.
 */
export class Nonces {
  readonly #secrets: Pick<HourlySecrets, 'of'>;
  readonly #nowMs: () => number;
  /** By minute: the last few. */
  readonly #made = new Map<number, string>();

  /** `nowMs`: the store's clock, the same for all processes. */
  constructor(secrets: Pick<HourlySecrets, 'of'>, nowMs: () => number) {
    this.#secrets = secrets;
    this.#nowMs = nowMs;
  }

  /** The one to hand out now. Rejects with `StoreUnavailable`. */
  current(): Promise<string> {
    return this.#of(this.#minute());
  }

  /** The minute that a nonce was handed out in; null if it is none, or too old. Rejects with `StoreUnavailable`. */
  async minuteOf(nonce: string): Promise<number | null> {
    const now = this.#minute();
    for (let minute = now; minute > now - taken; minute -= 1) {
      if ((await this.#of(minute)) === nonce) return minute;
    }
    return null;
  }

  /** When the nonces of a minute are taken no more, ms. */
  static endOf(minute: number): number {
    return (minute + taken) * nonceMs;
  }

  #minute(): number {
    return Math.floor(this.#nowMs() / nonceMs);
  }

  async #of(minute: number): Promise<string> {
    const known = this.#made.get(minute);
    if (known !== undefined) return known;
    const secret = await this.#secrets.of(HourlySecrets.hourAt(minute * nonceMs));
    const nonce = createHmac('sha256', secret)
      .update(String(minute))
      .digest()
      .subarray(0, nonceBytes)
      .toString('base64url');
    this.#made.set(minute, nonce);
    for (const old of this.#made.keys()) if (old < minute - taken) this.#made.delete(old);
    return nonce;
  }
}
