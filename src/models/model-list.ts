import { boundedText } from '../upstream/fetch-json.ts';
import type { Clock } from '../base/clock.ts';
import type { ListedModel } from '../base/model.ts';
import { readAvailableModels } from './available-models.ts';

/** For one query, its answer included. */
const timeoutMs = 3_000;
const maxAnswerBytes = 1_048_576;

export type Asked = 'ok' | 'failed';

/** What one upstream says it serves: `GET /available-models`, asked without a key. */
export class ModelList {
  /** The last good answer; null if there was none yet. */
  models: ReadonlyMap<string, ListedModel> | null = null;
  readonly #url: string;
  readonly #clock: Clock;
  readonly #closing: AbortSignal;
  #askedMs = -Infinity;
  #asking: Promise<Asked> | null = null;

  constructor({ baseUrl, clock, closing }: { baseUrl: string; clock: Clock; closing: AbortSignal }) {
    this.#url = `${baseUrl}/available-models`;
    this.#clock = clock;
    this.#closing = closing;
  }

  /** Asks, at most once at a time. Never rejects. */
  ask(): Promise<Asked> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  /** Asks if the last query is at least this old; joins one that is under way. */
  async askAgain(floorMs: number): Promise<void> {
    if (this.#asking || this.#clock.monotonic() - this.#askedMs >= floorMs) await this.ask();
  }

  async #ask(): Promise<Asked> {
    this.#askedMs = this.#clock.monotonic();
    const text = await this.#fetch().catch(() => null);
    const models = text === null ? null : readAvailableModels(text);
    if (models === null) return 'failed';
    this.models = models;
    return 'ok';
  }

  async #fetch(): Promise<string | null> {
    const response = await fetch(this.#url, {
      headers: { accept: 'application/json' },
      redirect: 'error',
      signal: AbortSignal.any([AbortSignal.timeout(timeoutMs), this.#closing]),
    });
    if (response.status === 200 && response.body) return boundedText(response.body, maxAnswerBytes);
    await response.body?.cancel();
    return null;
  }
}
