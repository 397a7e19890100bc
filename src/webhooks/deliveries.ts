import type { Clock } from '../base/clock.ts';
import { randomBase62 } from '../identity/records/token-text.ts';
import type { Webhook } from '../identity/records/webhook.ts';
import type { Keys } from '../store/keys.ts';
import { loadScript } from '../store/script.ts';
import type { Store } from '../store/store.ts';
import { StoreUnavailable } from '../store/store-unavailable.ts';
import { type DeliveryLine, deliveryLineIn } from './delivery-log.ts';
import type { DeliveryQueue } from './delivery-queue.ts';
import { messageId, type Sender } from './sender.ts';
import { errorOf } from './try-outcome.ts';
import type { Waiting } from './waiting.ts';

const scripts = {
  log: loadScript(new URL('./log_delivery.lua', import.meta.url)),
  retryNow: loadScript(new URL('./retry_now.lua', import.meta.url)),
};

interface DeliveriesParts {
  store: Store;
  keys: Keys;
  queue: Pick<DeliveryQueue, 'waiting'>;
  sender: Pick<Sender, 'send'>;
  storeNowMs: () => number;
  clock: Pick<Clock, 'monotonic'>;
}

/** What waits for a webhook, as administrators see it. */
export type Pending = Pick<Waiting, 'count' | 'failingSinceMs'>;

/** What administrators see of deliveries and do with them, in any process. Methods reject with `StoreUnavailable`. */
export class Deliveries {
  readonly #parts: DeliveriesParts;

  constructor(parts: DeliveriesParts) {
    this.#parts = parts;
  }

  /** The last tries of a webhook, newest first. */
  async read(webhook: string, limit: number): Promise<DeliveryLine[]> {
    const { store, keys } = this.#parts;
    const log = await store.attempt((client) =>
      client.xrevrange(keys.deliveries(webhook), '+', '-', 'COUNT', limit),
    );
    return log.flatMap(deliveryLineIn);
  }

  /** How many events wait for each of these webhooks, and since when it has taken nothing, by their ids. */
  async pendingOf(webhooks: readonly string[]): Promise<ReadonlyMap<string, Pending>> {
    return (await this.#parts.queue.waiting(webhooks)).waiting;
  }

  /**
   * Sends a test event now, also to a webhook that is disabled, and returns how that went, as its delivery log has it. It
   * is not tried again. If the store does not take the line, the test was sent all the same.
   */
  async sendTest(webhook: Webhook, actor: string): Promise<DeliveryLine> {
    const { sender, storeNowMs, clock } = this.#parts;
    const [nowMs, startedMs] = [storeNowMs(), clock.monotonic()];
    const event = {
      id: `test_${randomBase62(12)}`,
      timeMs: Math.floor(nowMs),
      type: 'webhook.test',
      team: webhook.team,
      data: { webhook: webhook.id, actor },
    };
    const outcome = await sender.send(webhook, event, nowMs);
    const line: DeliveryLine = {
      time: new Date(Math.floor(storeNowMs())).toISOString(),
      event: messageId(event.id),
      type: event.type,
      try: 1,
      outcome: outcome.kind === 'taken' ? 'test_delivered' : 'test_failed',
      next_at: null,
      status: outcome.status,
      error: errorOf(outcome),
      duration_ms: Math.round(clock.monotonic() - startedMs),
      events: 1,
    };
    await this.#log(webhook.id, event.id, line);
    return line;
  }

  /** Makes all that waits for a webhook due now, as if it had not been tried. Returns how many events that is. */
  async retryNow(webhook: string): Promise<number> {
    const { store, keys } = this.#parts;
    return Number(await store.run(scripts.retryNow, [keys.undelivered(webhook), keys.due(webhook)], []));
  }

  async #log(webhook: string, eventId: string, line: DeliveryLine): Promise<void> {
    const { store, keys } = this.#parts;
    const { type, outcome, status, error, duration_ms: durationMs } = line;
    const args = [eventId, type, outcome, status ?? '', error ?? '', durationMs];
    try {
      await store.run(scripts.log, [keys.deliveries(webhook)], args);
    } catch (error_) {
      if (!(error_ instanceof StoreUnavailable)) throw error_;
    }
  }
}
