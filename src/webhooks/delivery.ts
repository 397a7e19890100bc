import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Duty, Held } from '../events/duties.ts';
import type { Webhook } from '../identity/records/webhook.ts';
import type { DeliveryOutcome } from '../observability/metrics.ts';
import type { Keys } from '../store/keys.ts';
import type { Store } from '../store/store.ts';
import { StoreUnavailable } from '../store/store-unavailable.ts';
import type { DeliveryQueue } from './delivery-queue.ts';
import { hostOf } from './destination-url.ts';
import type { Sender } from './sender.ts';
import { readWebhooks, type StoredWebhook } from './subscriptions.ts';
import { stepAfter } from './tries.ts';
import { errorOf } from './try-outcome.ts';
import type { DueEvent, Waiting } from './waiting.ts';

const lookEveryMs = 1_000;
/** If there is no webhook. */
const looksSkipped = 4;
/** So many webhooks are sent to at once. */
const mostAtOnce = 16;
/** To one webhook, one after another, before its record is read anew and others have their turn. */
const mostInARow = 50;
/** After so long it is the turn of others: a slow receiver with much to get must not keep them waiting. */
const longestTurnMs = 5_000;

/** For metrics: of all webhooks, at the last look. Null: another process delivers. */
export interface DeliveryFigures {
  readonly pending: number;
  readonly disabled: number;
}

export interface DeliveryParts {
  store: Store;
  keys: Keys;
  queue: Pick<DeliveryQueue, keyof DeliveryQueue>;
  sender: Pick<Sender, 'send'>;
  clock: Pick<Clock, 'monotonic'>;
  log: Log;
  onOutcome: (outcome: DeliveryOutcome, events: number) => void;
  random?: () => number;
}

/**
 * Sends events to the webhooks, as a duty of the one process that has the lease. A try is noted after the answer: a
 * process that dies between sends nothing to the next one but the event, which is sent again with the same id.
 */
export class Delivery implements Duty {
  readonly name = 'delivery';
  readonly everyMs = lookEveryMs;
  readonly #parts: DeliveryParts;
  /** By webhook: what is being sent to it. One request at a time. */
  readonly #sending = new Map<string, Promise<void>>();
  /** By webhook: which turn of all its last one was; 0: it had none. */
  #lastTurns = new Map<string, number>();
  #turns = 0;
  #figures: { held: Held; figures: DeliveryFigures } | null = null;
  #skip = 0;

  constructor(parts: DeliveryParts) {
    this.#parts = parts;
  }

  /** Null: another process delivers. */
  get figures(): DeliveryFigures | null {
    return this.#figures?.held.signal.aborted === false ? this.#figures.figures : null;
  }

  /** Hands out, and begins to send what is due; sends go on after it resolves. */
  readonly turn = async (held: Held): Promise<void> => {
    if (this.#skip > 0) {
      this.#skip -= 1;
      return;
    }
    await this.look(held).catch((error: unknown) => {
      // Without its store, a gateway has other worries, which are told already.
      if (!(error instanceof StoreUnavailable)) throw error;
    });
  };

  /** One look at outbox and queues. Rejects with `StoreUnavailable`. */
  async look(held: Held): Promise<void> {
    const { store, keys, queue } = this.#parts;
    await this.#handOut(held);
    const webhooks = await readWebhooks(store, keys);
    this.#skip = webhooks.length === 0 ? looksSkipped : 0;
    if (webhooks.length === 0) return this.#note(held, { pending: 0, disabled: 0 });
    const { waiting } = await queue.waiting(
      webhooks.map(({ webhook }) => webhook.id),
      held.fence,
    );
    this.#note(held, figuresOf(webhooks, waiting));
    this.#lastTurns = new Map(webhooks.map(({ webhook: { id } }) => [id, this.#lastTurns.get(id) ?? 0]));
    for (const each of dueFirst(webhooks, waiting, this.#lastTurns)) {
      if (this.#sending.size >= mostAtOnce) break;
      this.#begin(held, each);
    }
  }

  /** Resolves when nothing is being sent. Nothing more is begun after the lease has ended. */
  readonly idle = async (): Promise<void> => {
    await Promise.all(this.#sending.values());
  };

  #note(held: Held, figures: DeliveryFigures): void {
    this.#figures = { held, figures };
  }

  async #handOut({ fence, signal }: Held): Promise<void> {
    const { store, keys, queue, log, onOutcome } = this.#parts;
    for (let hasMore = true; hasMore && !signal.aborted;) {
      const handed = await queue.handOut(fence, () => readWebhooks(store, keys));
      if (handed === null) return;
      hasMore = handed.hasMore;
      for (const { webhook, events } of handed.dropped) {
        onOutcome('dropped', events);
        log.warn('too many events wait for a webhook: the oldest were dropped', {
          ...named(webhook),
          events,
        });
      }
    }
  }

  #begin(held: Held, stored: StoredWebhook): void {
    const { id } = stored.webhook;
    if (this.#sending.has(id)) return;
    const { log } = this.#parts;
    this.#lastTurns.set(id, (this.#turns += 1));
    const sending = this.#sendAll(held, stored)
      .catch((error: unknown) => {
        if (!(error instanceof StoreUnavailable))
          log.error('sending to a webhook failed', { ...named(stored.webhook), error });
      })
      .finally(() => this.#sending.delete(id));
    this.#sending.set(id, sending);
  }

  async #sendAll(held: Held, stored: StoredWebhook): Promise<void> {
    const { queue, clock } = this.#parts;
    const { id } = stored.webhook;
    const untilMs = clock.monotonic() + longestTurnMs;
    for (let sent = 0; sent < mostInARow && clock.monotonic() < untilMs; sent += 1) {
      // Read just before: whatever else has happened to the event is seen.
      const { nowMs, waiting } = await queue.waiting([id], held.fence);
      const found = waiting.get(id);
      if (!found?.due || held.signal.aborted) return;
      if (!(await this.#try(held, stored, { ...found, due: found.due, nowMs }))) return;
    }
  }

  /** Returns whether this process may go on. */
  async #try(
    { fence }: Held,
    stored: StoredWebhook,
    { due, failures, failingSinceMs, nowMs }: Found,
  ): Promise<boolean> {
    const { queue, sender, clock, log, onOutcome, random = Math.random } = this.#parts;
    const { webhook } = stored;
    const startedMs = clock.monotonic();
    const outcome = await sender.send(webhook, due.event, nowMs);
    const durationMs = clock.monotonic() - startedMs;
    const endedMs = nowMs + durationMs;
    const before = { tries: due.tries, failures, failingSinceMs };
    const step = stepAfter(before, outcome, { nowMs: endedMs, random: random() });
    const tried = { webhook: webhook.id, event: due.event.id, step, outcome, durationMs };
    if (!(await queue.tried(fence, tried))) return false;
    onOutcome(step.kind === 'delivered' || step.kind === 'given_up' ? step.kind : 'failed', 1);
    const said = { ...named(webhook), status: outcome.status, error: errorOf(outcome), try: due.tries + 1 };
    switch (step.kind) {
      case 'delivered':
        return true;
      case 'retry':
        log.info('a webhook has not taken an event, which is tried again', said);
        return true;
      case 'given_up':
        log.warn('a webhook has not taken an event, which is given up', said);
        return true;
      case 'disable':
        await this.#disable(fence, stored, step.because, endedMs);
        return false;
    }
  }

  async #disable(fence: string, stored: StoredWebhook, because: string, nowMs: number): Promise<void> {
    const { queue, log, onOutcome } = this.#parts;
    if (!(await queue.disable(fence, stored, { because, nowMs }))) return;
    onOutcome('disabled', 1);
    log.warn('a webhook was disabled', { ...named(stored.webhook), because });
  }
}

type Found = Pick<Waiting, 'failures' | 'failingSinceMs'> & { due: DueEvent; nowMs: number };

/** A webhook in the log. Its path may be a secret. */
function named({ id, url }: Webhook): { webhook: string; host: string } {
  return { webhook: id, host: hostOf(url) };
}

function figuresOf(
  webhooks: readonly StoredWebhook[],
  waiting: ReadonlyMap<string, Waiting>,
): DeliveryFigures {
  let pending = 0;
  for (const { count } of waiting.values()) pending += count;
  return { pending, disabled: webhooks.filter(({ webhook }) => webhook.disabled_at !== null).length };
}

/** Webhooks that something is due for: first those whose last turn is longest ago, of these those whose event waits longest. */
function dueFirst(
  webhooks: readonly StoredWebhook[],
  waiting: ReadonlyMap<string, Waiting>,
  lastTurns: ReadonlyMap<string, number>,
): StoredWebhook[] {
  return webhooks
    .flatMap((stored) => {
      const { due } = waiting.get(stored.webhook.id) ?? {};
      const lastTurn = lastTurns.get(stored.webhook.id) ?? 0;
      return due && stored.webhook.disabled_at === null ? [{ stored, lastTurn, dueAtMs: due.dueAtMs }] : [];
    })
    .sort((a, b) => a.lastTurn - b.lastTurn || a.dueAtMs - b.dueAtMs)
    .map(({ stored }) => stored);
}
