import type { Attachment } from '../base/attachment.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { ListedModel, ListedModels } from '../base/model.ts';
import { type Asked, ModelList } from './model-list.ts';

/** A model on no list may be new. This bound keeps many such requests from becoming many queries. */
const floorMs = 30_000;

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
    const { signal: closing } = this.#closing;
    // Several attachments of the standard plan have different keys but one list.
    this.#lists = new Map(
      [...new Set(open)].map((baseUrl) => [baseUrl, new ModelList({ baseUrl, clock, closing })]),
    );
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
    await Promise.all([...this.#lists.values()].map((list) => list.askAgain(floorMs)));
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
