import { setTimeout as sleep } from 'node:timers/promises';
import type { BackupDocument } from './document.ts';
import { loadIdentityFile } from './identity-file.ts';
import { actingAs } from '../audit/context.ts';
import type { IdentityArchive } from '../identity/records/archive.ts';
import type { Log } from '../base/log.ts';
import { StoreUnavailable } from '../store/store-unavailable.ts';

const retryMs = 2_000;
const fromFile = { actor: 'file', address: null, requestId: null };

export interface IdentityLoaderOptions {
  /** The document of IDENTITY_FILE; null where there is none. */
  document: BackupDocument | null;
  archive: IdentityArchive;
  log: Log;
}

/** Brings IDENTITY_FILE into the store whenever the store is there anew: at start, and after it came back empty. */
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

  /** Whether the store was asked once, with whatever success: before that nobody is to be refused for want of it. */
  get tried(): boolean {
    return this.#tried;
  }

  /** Begins, unless it is under way; goes on until the store has taken it. */
  begin(): void {
    const { document } = this.#options;
    if (document === null || this.#running) return;
    this.#running = true;
    void this.#load(document).finally(() => {
      this.#running = false;
    });
  }

  /** Resolves when the file is in the store, after `timeoutMs` at the latest. */
  async loaded(timeoutMs: number): Promise<void> {
    const late = new AbortController();
    const inTime = await Promise.race([
      this.#first.promise.then(() => true),
      sleep(timeoutMs, false, { signal: late.signal }),
    ]);
    late.abort();
    if (!inTime)
      this.#options.log.warn('IDENTITY_FILE is not loaded yet: it will be when the store is there');
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
