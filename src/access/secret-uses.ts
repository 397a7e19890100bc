import type { Principal } from '../identity/records/identity.ts';
import type { Log } from '../base/log.ts';
import { type LastUses, prefixOf, type SecretUse } from '../identity/records/secret.ts';
import type { SecretStore } from '../identity/store/secret-store.ts';
import { StoreUnavailable } from '../store/store-unavailable.ts';

/** How often they are written: what an administrator reads is at most so old. */
const writeEveryMs = 60_000;

interface SecretUsesOptions {
  store: Pick<SecretStore, 'noteUses' | 'lastUses'>;
  /** The store's clock as far as this process can tell, ms. */
  storeNowMs: () => number;
  log: Log;
}

/**
 * Gathers when secrets are used, and writes each down at most once a minute: a request costs a look into a map, and
 * the store one command a minute and secret (docs/decisions/0006).
 */
export class SecretUses {
  readonly #options: SecretUsesOptions;
  /** Uses that are not written yet, by the secret's hash. */
  #waiting = new Map<string, SecretUse>();
  #timer: NodeJS.Timeout | null = null;

  constructor(options: SecretUsesOptions) {
    this.#options = options;
  }

  /** Notes that a credential was used. A session's is not a secret of its token. */
  note({ identity, credential }: Principal): void {
    if (identity.session !== null) return;
    const atMs = Math.floor(this.#options.storeNowMs());
    const waiting = this.#waiting.get(credential.secretHash);
    if (waiting) {
      waiting.atMs = atMs;
      return;
    }
    const { team, token } = identity;
    const prefix = prefixOf(identity, credential);
    this.#waiting.set(credential.secretHash, { team: team.id, token: token.id, prefix, atMs });
  }

  /** Starts to write uses regularly. */
  start(): void {
    this.#timer ??= setInterval(() => void this.#tryToWrite(), writeEveryMs);
    this.#timer.unref();
  }

  /** Writes what is left. */
  async stop(): Promise<void> {
    if (this.#timer) clearInterval(this.#timer);
    await this.#tryToWrite();
  }

  /**
   * The last uses of tokens, those of this process up to now; of a full store as far as it has them, since who reads
   * tokens may be about to end one. Rejects with `StoreUnavailable`.
   */
  async lastUses(team: string, tokens: readonly string[]): Promise<LastUses[]> {
    await this.#tryToWrite();
    return this.#options.store.lastUses(team, tokens);
  }

  async #tryToWrite(): Promise<void> {
    try {
      await this.#write();
    } catch (error) {
      // They wait while the store is unreachable or full, which is logged elsewhere.
      if (!(error instanceof StoreUnavailable)) this.#options.log.error('noting uses failed', { error });
    }
  }

  async #write(): Promise<void> {
    if (this.#waiting.size === 0) return;
    const written = this.#waiting;
    this.#waiting = new Map();
    try {
      await this.#options.store.noteUses([...written.values()]);
    } catch (error) {
      this.#waiting = new Map([...written, ...this.#waiting]);
      throw error;
    }
  }
}
