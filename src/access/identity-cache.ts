import type { Principal } from '../identity/records/identity.ts';

/**
 * Principals by their token's full hash, bounded by number and by what sessions have pinned. Two generations instead
 * of an exact least-recently-used
 * order: a hit writes nothing, since a delete and an add per request keep V8's scavenger promoting.
 */
export class IdentityCache {
  readonly #maxPerGeneration: number;
  /** What the young generation weighs: one an entry, and one for each KiB pinned. */
  #weight = 0;
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
    this.#weight += weightOf(principal);
    if (this.#weight <= this.#maxPerGeneration) return;
    this.#old = this.#young;
    this.#young = new Map();
    this.#weight = 0;
  }

  delete(secretHash: string): void {
    this.#young.delete(secretHash);
    this.#old.delete(secretHash);
  }
}

function weightOf({ identity: { session } }: Principal): number {
  return session?.pinned ? 1 + Math.ceil(JSON.stringify(session.pinned).length / 1024) : 1;
}
