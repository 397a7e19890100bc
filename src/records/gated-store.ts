import type { Script } from '../store/script.ts';
import type { Doubt, Store, StoreClient } from '../store/store.ts';
import type { Gate } from './gate.ts';

/** A store that nobody uses while its gate is closed. It is ready each time the gate opens. */
export class GatedStore implements Store {
  readonly #store: Store;
  readonly #gate: Gate;

  constructor(store: Store, gate: Gate) {
    this.#store = store;
    this.#gate = gate;
  }

  get problem(): string | null {
    return this.#store.problem ?? this.#gate.problem;
  }

  run(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    return this.#gate.isOpen ? this.#store.run(script, keys, args) : Promise.reject(this.#gate.refusal());
  }

  attempt<T>(command: (client: StoreClient) => Promise<T>): Promise<T> {
    return this.#gate.isOpen ? this.#store.attempt(command) : Promise.reject(this.#gate.refusal());
  }

  memory(): Promise<{ usedBytes: number; maxBytes: number }> {
    return this.#store.memory();
  }

  async connected(): Promise<void> {
    await this.#store.connected();
    await this.#gate.opened();
  }

  onReady(listener: () => void): void {
    this.#gate.onOpened(listener);
  }

  onDoubt(listener: (doubt: Doubt) => void): void {
    this.#store.onDoubt(listener);
  }

  close(): void {
    this.#store.close();
  }
}
