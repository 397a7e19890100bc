import type { Clock } from '../../base/clock.ts';
import {
  boundSecrets,
  type LastUses,
  type Rotation,
  type SecretStore,
  type SecretUse,
  type TokenKey,
} from '../records/secret.ts';
import type { MemoryIdentityStore } from './memory-identity-store.ts';

const hourMs = 3_600_000;

/** The secrets of tokens in this process; behaves as the Redis store does. */
export class MemorySecretStore implements SecretStore {
  readonly #identities: MemoryIdentityStore;
  readonly #clock: Clock;
  /** By team and token, then by the secret's prefix. */
  readonly #uses = new Map<string, Map<string, number>>();
  readonly #rotations = new Map<string, { startMs: number; count: number }>();

  constructor(identities: MemoryIdentityStore, clock: Clock) {
    this.#identities = identities;
    this.#clock = clock;
  }

  async bound(place: TokenKey): Promise<{ nowMs: number; hashes: string[] }> {
    return { nowMs: this.#nowMs(), hashes: this.#identities.boundTo(place) };
  }

  async rotate(place: TokenKey, rotation: Rotation): Promise<'replaced' | 'conflict'> {
    return this.#identities.rotate(place, { ...rotation, keep: boundSecrets });
  }

  async countRotation(
    { team, id }: TokenKey,
    perHour: number,
  ): Promise<{ ok: boolean; freeAtMs: number; nowMs: number }> {
    const nowMs = this.#nowMs();
    const place = `${team}/${id}`;
    for (const [other, { startMs }] of this.#rotations) {
      if (nowMs - startMs >= hourMs) this.#rotations.delete(other);
    }
    const { startMs, count } = this.#rotations.get(place) ?? { startMs: nowMs, count: 0 };
    const ok = count < perHour;
    if (ok) this.#rotations.set(place, { startMs, count: count + 1 });
    return { ok, freeAtMs: startMs + hourMs, nowMs };
  }

  async noteUses(uses: readonly SecretUse[]): Promise<void> {
    for (const { team, token, prefix, atMs } of uses) {
      if ((await this.#identities.read({ kind: 'token', team, id: token })) === null) continue;
      const known = this.#uses.get(`${team}/${token}`) ?? new Map<string, number>();
      known.set(prefix, Math.max(atMs, known.get(prefix) ?? 0));
      this.#uses.set(`${team}/${token}`, known);
    }
  }

  async lastUses(team: string, tokens: readonly string[]): Promise<LastUses[]> {
    return tokens.map((token) => new Map(this.#uses.get(`${team}/${token}`)));
  }

  #nowMs(): number {
    return Math.floor(this.#clock.now());
  }
}
