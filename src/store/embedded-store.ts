import type { Clock } from '../base/clock.ts';
import type { Engine } from './embedded/engine.ts';
import type { Script } from './script.ts';
import type { Doubt, OnRun, Store, StoreClient } from './store.ts';
import { hasForgotten, StoreUnavailable } from './store-unavailable.ts';

let engines: Promise<(nowMs: () => number) => Engine> | undefined;

/**
 * A store in the memory of this process, which ends with it. It runs the same scripts as Redis. Its engine is loaded on
 * first use, so a gateway on Redis never loads it.
 */
export class EmbeddedStore implements Store {
  readonly problem = null;
  readonly #clock: Clock;
  readonly #onRun: OnRun | undefined;
  #engine: Promise<Engine> | undefined;
  #onDoubt: ((doubt: Doubt) => void) | undefined;

  constructor({ clock, onRun }: { clock: Clock; onRun?: OnRun }) {
    this.#clock = clock;
    this.#onRun = onRun;
  }

  async run(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    const engine = await this.#loaded();
    const startedMs = this.#clock.monotonic();
    let ok = false;
    try {
      const reply = engine.run(script, keys, args);
      ok = true;
      return reply;
    } catch (error) {
      if (hasForgotten(error)) this.#onDoubt?.('forgotten');
      throw unavailable(error);
    } finally {
      const durationMs = this.#clock.monotonic() - startedMs;
      this.#onRun?.({ operation: script.name, durationMs, ok });
    }
  }

  async attempt<T>(command: (client: StoreClient) => Promise<T>): Promise<T> {
    const { client } = await this.#loaded();
    try {
      return await command(client);
    } catch (error) {
      throw unavailable(error);
    }
  }

  /** The size of its keys is not measured. */
  memory(): Promise<{ usedBytes: number; maxBytes: number }> {
    return Promise.resolve({ usedBytes: 0, maxBytes: 0 });
  }

  async connected(): Promise<void> {
    await this.#loaded();
  }

  onReady(listener: () => void): void {
    void this.connected().then(listener);
  }

  onDoubt(listener: (doubt: Doubt) => void): void {
    this.#onDoubt = listener;
  }

  close(): void {
    // There is nothing to close.
  }

  #loaded(): Promise<Engine> {
    engines ??= import('./embedded/engine.ts').then(({ loadEngines }) => loadEngines());
    this.#engine ??= engines.then((make) => make(() => this.#clock.now()));
    return this.#engine;
  }
}

function unavailable(error: unknown): StoreUnavailable {
  const message = error instanceof Error ? error.message : 'The store failed.';
  return new StoreUnavailable(message, { cause: error, mayHaveRun: !hasForgotten(error) });
}
