import type { Principal } from '../core/identity.ts';

/**
 * Principals by their token's full hash, bounded. Two generations instead of an exact least-recently-used
 * order: a hit writes nothing, since a delete and an add per request keep V8's scavenger promoting.
 */
export class IdentityCache {
  readonly #maxPerGeneration: number;
  #young = new Map<string, Principal>();
  #old = new Map<string, Principal>();

  constructor({ maxEntries }: { maxEntries: number }) {
    this.#maxPerGeneration = Math.max(1, Math.floor(maxEntries / 2));
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get(secretHash: string): Principal | undefined {
    const young = this.#young.get(secretHash);
    if (young !== undefined) return young;
    const old = this.#old.get(secretHash);
    if (old !== undefined) this.set(old);
    return old;
  }

  set(principal: Principal): void {
    const { secretHash } = principal.credential;
    this.#old.delete(secretHash);
    this.#young.set(secretHash, principal);
    if (this.#young.size <= this.#maxPerGeneration) return;
    this.#old = this.#young;
    this.#young = new Map();
  }

  delete(secretHash: string): void {
    this.#young.delete(secretHash);
    this.#old.delete(secretHash);
  }
}
