import { type CryptoKey, importJWK } from 'jose';
import type { ProofKey } from './proof-key.ts';

/** How many are kept; the oldest is made again when it is needed. A key takes some 2 KB. */
const maxKeys = 5_000;

/** The keys of sessions, ready to check signatures with: making one costs as much as half a check. */
export class ProofKeys {
  /** By algorithm and thumbprint. */
  readonly #kept = new Map<string, CryptoKey>();

  /** Null if it is no key. `keep`: only for one that a session is bound to, or anybody could fill this. */
  async ready({ algorithm, jwk, jkt }: ProofKey, keep: boolean): Promise<CryptoKey | null> {
    const id = `${algorithm} ${jkt}`;
    const known = this.#kept.get(id);
    if (known !== undefined) return known;
    const key = await importJWK(jwk, algorithm).catch(() => null);
    if (key === null || key instanceof Uint8Array || !keep) return key instanceof Uint8Array ? null : key;
    const [oldest] = this.#kept.keys();
    if (this.#kept.size >= maxKeys && oldest !== undefined) this.#kept.delete(oldest);
    this.#kept.set(id, key);
    return key;
  }
}
