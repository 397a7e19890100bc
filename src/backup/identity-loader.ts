import { setTimeout as sleep } from 'node:timers/promises';
import type { BackupDocument } from './document.ts';
import { loadIdentityFile } from './identity-file.ts';
import { actingAs } from '../audit/context.ts';
import type { IdentityArchive } from '../identity/store/identity-archive.ts';
import type { Log } from '../base/log.ts';
import { StoreUnavailable } from '../store/store-unavailable.ts';

const retryMs = 2_000;
const fromFile = { actor: 'file', address: null, requestId: null };

interface IdentityLoaderOptions {
  /** The document of IDENTITY_FILE; null if there is none. */
  document: BackupDocument | null;
  archive: IdentityArchive;
  log: Log;
}

/** Loads IDENTITY_FILE into the store at start, and whenever the store is reachable again: it may have come back empty. */
export class IdentityLoader {
  readonly #options: IdentityLoaderOptions;
  readonly #end = new AbortController();
  readonly #first = Promise.withResolvers<void>();
  #running = false;
  #tried: boolean;

  constructor(options: IdentityLoaderOptions) {
    this.#options = options;
    this.#tried = options.document === null;
    if (this.#tried) this.#first.resolve();
  }

  /** Whether loading was tried once. Until then an unknown token must not be refused: the file may have it. */
  get tried(): boolean {
    return this.#tried;
  }

  /** Starts loading unless it is running. Goes on until it succeeds. */
  begin(): void {
    const { document } = this.#options;
    if (document === null || this.#running) return;
    this.#running = true;
    void this.#load(document).finally(() => {
      this.#running = false;
    });
  }

  /** Resolves when the file is in the store, or after `timeoutMs`. */
  async loaded(timeoutMs: number): Promise<void> {
    const late = new AbortController();
    const inTime = await Promise.race([
      this.#first.promise.then(() => true),
      sleep(timeoutMs, false, { signal: late.signal }),
    ]);
    late.abort();
    if (!inTime)
      this.#options.log.warn('IDENTITY_FILE is not loaded yet: it will be once the store is reachable');
  }

  close(): void {
    this.#end.abort();
  }

  async #load(document: BackupDocument): Promise<void> {
    const { archive, log } = this.#options;
    let told = false;
    while (!this.#end.signal.aborted) {
      try {
        await actingAs(fromFile, () => loadIdentityFile({ document, archive, log }));
        this.#done();
        return;
      } catch (error) {
        if (!told) log.error('IDENTITY_FILE could not be loaded', { error });
        told = true;
        if (!(error instanceof StoreUnavailable)) return this.#done();
        this.#tried = true;
      }
      await sleep(retryMs, undefined, { signal: this.#end.signal }).catch(() => undefined);
    }
  }

  #done(): void {
    this.#tried = true;
    this.#first.resolve();
  }
}
