import { setTimeout as sleep } from 'node:timers/promises';
import { drawBehaviour } from './behaviour.ts';
import { type Call, makeCall, perform } from './calls.ts';
import type { Fleet } from './fleet.ts';
import { Random } from './random.ts';
import type { Token } from './teams.ts';

export interface CallersOptions {
  tokens: readonly Token[];
  fleet: Fleet;
  seed: number;
  /** Callers for each token. */
  each: number;
}

const longestPauseMs = 250;
const largestBurst = 6;

/** People and programs that call in bursts, to any gateway, and leave at any moment. */
export class Callers {
  readonly calls: Call[] = [];
  readonly #options: CallersOptions;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>[] = [];

  constructor(options: CallersOptions) {
    this.#options = options;
  }

  start(): void {
    const { tokens, each, seed } = this.#options;
    tokens.forEach((token, n) => {
      for (let caller = 0; caller < each; caller += 1)
        this.#running.push(this.#callOn(token, new Random(seed + 1_000 * n + caller)));
    });
  }

  /** No more calls; resolves when every call has ended, and rejects if one has not. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#running);
  }

  async #callOn(token: Token, random: Random): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      await sleep(random.integer(0, longestPauseMs));
      const burst = random.chance(0.2) ? largestBurst : random.integer(1, 2);
      await Promise.all(Array.from({ length: burst }, () => this.#call(token, random)));
    }
  }

  #call(token: Token, random: Random): Promise<void> {
    const requestId = `soak-call-${String(this.calls.length).padStart(12, '0')}`;
    const leaves = random.chance(0.2);
    const call = makeCall({
      requestId,
      token,
      kind: random.pick(['chat', 'chat', 'chat', 'chat', 'embeddings', 'images'] as const),
      stream: random.chance(0.5),
      behaviour: drawBehaviour(random, leaves),
      maxTokens: random.integer(12, 60),
      images: random.integer(1, 3),
      leavesAfterMs: leaves ? random.integer(0, 200) : null,
      instance: random.pick(this.#options.fleet.known),
    });
    this.calls.push(call);
    return perform(call);
  }
}
