import type { Attachment } from '../base/attachment.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { ListedModel, ListedModels } from '../base/model.ts';
import { boundedText } from '../upstream/fetch-json.ts';
import { readAvailableModels } from './available-models.ts';

/** A model on no list may be new. This bound keeps many such requests from becoming many queries. */
const floorMs = 30_000;
/** For one query, its answer included. */
const timeoutMs = 3_000;
const maxAnswerBytes = 1_048_576;

type Asked = 'ok' | 'failed';

export interface DiscoveryOptions {
  attachments: readonly Attachment[];
  /** The time between two queries, give or take a tenth. */
  refreshMs: number;
  clock: Clock;
  log: Log;
}

/**
 * Which models the attachments without a MODEL_ID serve, according to their upstreams. Asks in the background and keeps
 * the last good answer. Until an upstream has answered, nothing is known about it.
 */
export class Discovery implements ListedModels {
  readonly #lists: ReadonlyMap<string, ModelList>;
  readonly #options: DiscoveryOptions;
  readonly #closing = new AbortController();
  readonly #asked = new Map<string, Asked>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: DiscoveryOptions) {
    const { attachments, clock } = options;
    this.#options = options;
    const open = attachments.filter(({ modelId }) => modelId === null).map(({ baseUrl }) => baseUrl);
    const { signal } = this.#closing;
    // Several attachments of the standard plan have different keys but one list.
    this.#lists = new Map([...new Set(open)].map((url) => [url, new ModelList(url, clock, signal)]));
  }

  at(baseUrl: string): ReadonlyMap<string, ListedModel> | null {
    return this.#lists.get(baseUrl)?.models ?? null;
  }

  /** Asks now and from then on; nothing waits for it. */
  start(): void {
    if (this.#lists.size > 0) void this.#askAll().then(() => this.#askLater());
  }

  /** Asks again every upstream that was not asked lately. Resolves within the deadline; never rejects. */
  async askAgain(): Promise<void> {
    await Promise.all([...this.#lists.values()].map((list) => list.askAgain()));
  }

  /** Stops asking. */
  close(): void {
    clearTimeout(this.#timer);
    this.#closing.abort();
  }

  #askLater(): void {
    if (this.#closing.signal.aborted) return;
    // Processes that started together should not ask together.
    const inMs = this.#options.refreshMs * (0.9 + 0.2 * Math.random());
    this.#timer = setTimeout(() => void this.#askAll().then(() => this.#askLater()), inMs);
    this.#timer.unref();
  }

  async #askAll(): Promise<void> {
    await Promise.all([...this.#lists].map(async ([at, list]) => this.#tell(at, await list.ask())));
  }

  /** Logs only changes, and nothing of the answer. */
  #tell(at: string, asked: Asked): void {
    const before = this.#asked.get(at);
    this.#asked.set(at, asked);
    if (before === asked || this.#closing.signal.aborted) return;
    const { host } = new URL(at);
    const { log } = this.#options;
    if (before === undefined && asked === 'ok') return;
    if (asked === 'ok') log.info('the upstream lists its models again', { host });
    else if (before === 'ok')
      log.warn('the upstream does not list its models; the last list is kept', { host });
    else log.info('the upstream lists no models; any model is sent to it', { host });
  }
}

/** What one upstream says it serves: `GET /available-models`, asked without a key. */
class ModelList {
  /** The last good answer; null if there was none yet. */
  models: ReadonlyMap<string, ListedModel> | null = null;
  readonly #url: string;
  readonly #clock: Clock;
  readonly #closing: AbortSignal;
  #askedMs = -Infinity;
  #asking: Promise<Asked> | null = null;

  constructor(baseUrl: string, clock: Clock, closing: AbortSignal) {
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

  /** Asks if the last query is long enough ago; joins one that is under way. */
  async askAgain(): Promise<void> {
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
