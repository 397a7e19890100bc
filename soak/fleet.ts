import type { SpawnedGateway } from '../test/support/spawn-gateway.ts';
import { spawnGateway } from '../test/support/spawn-gateway.ts';
import { within } from '../test/support/wait-for.ts';

/** Longer than Heroku would wait. */
const stuckAfterMs = 35_000;

/** One process over its life. Times are the soak's monotonic clock, ms. */
export interface Instance {
  readonly url: string;
  readonly gateway: SpawnedGateway;
  killedMs: number | null;
  /** The same moment by the wall clock, to compare with the store's clock. */
  killedAtMs: number | null;
  stoppedMs: number | null;
  /** How long it took to end after SIGTERM, and its exit code. */
  ended: { tookMs: number; code: number | null } | null;
  /** It ended without being told to. */
  crashed: boolean;
}

/** A fixed number of gateways. Each is replaced when it ends. */
export class Fleet {
  /** All that were ever started. */
  readonly instances: Instance[] = [];
  readonly #env: Readonly<Record<string, string>>;
  readonly #replacing = new Set<Promise<void>>();

  constructor(env: Readonly<Record<string, string>>) {
    this.#env = env;
  }

  async start(size: number): Promise<void> {
    await Promise.all(Array.from({ length: size }, () => this.#spawn()));
  }

  /** Those that callers may use: not the dead ones, but also those that are stopping, as a router might. */
  get known(): Instance[] {
    return this.instances.filter(({ killedMs, ended }) => killedMs === null && ended === null);
  }

  /** Those that were neither killed nor stopped. */
  get healthy(): Instance[] {
    return this.known.filter(({ stoppedMs }) => stoppedMs === null);
  }

  /** kill -9, and another in its place. */
  kill(instance: Instance): void {
    instance.killedMs = performance.now();
    instance.killedAtMs = Date.now();
    instance.gateway.kill('SIGKILL');
    this.#keep(this.#spawn());
  }

  /** SIGTERM, several times, and another in its place once it has ended. */
  stop(instance: Instance): void {
    instance.stoppedMs = performance.now();
    for (let time = 0; time < 3; time += 1) instance.gateway.kill('SIGTERM');
    this.#keep(this.#ended(instance).then(() => this.#spawn()));
  }

  /** Resolves when every replacement runs. */
  async whole(): Promise<void> {
    await Promise.all(this.#replacing);
  }

  /** Stops all, at the end of the run. */
  async close(): Promise<void> {
    await Promise.all(
      this.healthy.map(async (instance) => {
        instance.stoppedMs = performance.now();
        instance.gateway.kill('SIGTERM');
        await this.#ended(instance);
      }),
    );
  }

  async #ended(instance: Instance): Promise<void> {
    const { code } = await within(instance.gateway.exited, stuckAfterMs, 'a process to end after SIGTERM');
    instance.ended = { tookMs: performance.now() - (instance.stoppedMs ?? 0), code };
  }

  async #spawn(): Promise<void> {
    const gateway = await spawnGateway({ env: this.#env, readyTimeoutMs: 30_000 });
    const untouched = { killedMs: null, killedAtMs: null, stoppedMs: null, ended: null, crashed: false };
    const instance: Instance = { url: gateway.url, gateway, ...untouched };
    this.instances.push(instance);
    void gateway.exited.then(() => {
      instance.crashed = instance.killedMs === null && instance.stoppedMs === null;
    });
  }

  #keep(replacing: Promise<void>): void {
    this.#replacing.add(replacing);
  }
}
