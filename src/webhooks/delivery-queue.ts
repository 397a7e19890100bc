import { type AuditedScripts, changeOf } from '../audit/audit.ts';
import { actingAs } from '../audit/context.ts';
import { delivery } from '../audit/told-change.ts';
import { eventIn } from '../events/outbox.ts';
import type { Webhook } from '../identity/records/webhook.ts';
import type { Keys } from '../store/keys.ts';
import { loadScript } from '../store/script.ts';
import type { Store } from '../store/store.ts';
import { errorOf, type TryOutcome } from './try-outcome.ts';
import type { Step } from './tries.ts';
import { type StoredWebhook, takes } from './subscriptions.ts';
import { type Waiting, waitingIn } from './waiting.ts';

const scripts = {
  handOut: loadScript(new URL('./hand_out.lua', import.meta.url)),
  readDue: loadScript(new URL('./read_due.lua', import.meta.url)),
  markTried: loadScript(new URL('./mark_tried.lua', import.meta.url)),
  disable: loadScript(new URL('./disable_webhook.lua', import.meta.url)),
};

/**
 * What may wait for one webhook of the gateway, and of a team; of more, the oldest are dropped: a receiver that is away must
 * not fill the store, and neither must the five of a team whose administrators wish it. Bytes are looked at each 50 events.
 */
export const maxWaiting = {
  gateway: { events: 1_000, bytes: 1_000_000 },
  team: { events: 250, bytes: 250_000 },
} as const;
const eventsPerPass = 100;
/** Of a webhook, in the reply of `read_due.lua`. */
const figuresPerWebhook = 5;

/** What a pass of the outbox has done. */
export interface HandedOut {
  /** Whether there may be more. */
  readonly hasMore: boolean;
  /** How many events were dropped, by webhook. */
  readonly dropped: readonly { readonly webhook: Webhook; readonly events: number }[];
}

interface DeliveryQueueParts {
  store: Store;
  keys: Keys;
  changes: AuditedScripts;
}

/**
 * What waits for each webhook, in the store. What changes it does so under a fence, so that of two processes that both
 * believe they deliver only one can. Methods reject with `StoreUnavailable`.
 */
export class DeliveryQueue {
  readonly #parts: DeliveryQueueParts;

  constructor(parts: DeliveryQueueParts) {
    this.#parts = parts;
  }

  /**
   * Hands the next events of the outbox out. Null if the lease was lost, or another process has done it. The webhooks are
   * read after the events: one that was there before an event gets it.
   */
  async handOut(
    fence: string,
    readWebhooks: () => Promise<readonly StoredWebhook[]>,
  ): Promise<HandedOut | null> {
    const { store, keys } = this.#parts;
    const from = await store.attempt((client) => client.get(keys.handedOut));
    const read = await store.attempt((client) =>
      client.xrange(keys.events, `(${from ?? '0-0'}`, '+', 'COUNT', eventsPerPass),
    );
    const newest = read.at(-1);
    if (newest === undefined) return { hasMore: false, dropped: [] };
    const told = read.flatMap(eventIn);
    const parcels = (await readWebhooks())
      .map(({ webhook }) => ({ webhook, events: told.filter((event) => takes(webhook, event)) }))
      .filter((parcel) => parcel.events.length > 0);
    const reply = await store.run(
      scripts.handOut,
      [
        keys.lease('events'),
        keys.webhooks,
        keys.events,
        keys.handedOut,
        ...parcels.flatMap(({ webhook: { id } }) => [
          keys.undelivered(id),
          keys.due(id),
          keys.deliveries(id),
        ]),
      ],
      [
        fence,
        from ?? '',
        newest[0],
        ...parcels.flatMap(({ webhook: { id, team }, events }) => {
          const most = team === null ? maxWaiting.gateway : maxWaiting.team;
          return [id, most.events, most.bytes, events.length, ...events.map((event) => event.id)];
        }),
      ],
    );
    if (!Array.isArray(reply)) return null;
    const dropped = parcels
      .map(({ webhook }, at) => ({ webhook, events: Number(reply[at]) }))
      .filter((lost) => lost.events > 0);
    return { hasMore: read.length === eventsPerPass, dropped };
  }

  /**
   * What waits for these webhooks, by their ids, and the store's clock, ms. With a fence nothing is due once the lease is
   * lost.
   */
  async waiting(
    ids: readonly string[],
    fence = '',
  ): Promise<{ nowMs: number; waiting: ReadonlyMap<string, Waiting> }> {
    const { store, keys } = this.#parts;
    const reply = await store.run(
      scripts.readDue,
      [keys.lease('events'), ...ids.flatMap((id) => [keys.undelivered(id), keys.due(id)])],
      [fence],
    );
    const [now, ...figures]: unknown[] = Array.isArray(reply) ? reply : [];
    const of = (at: number): Waiting =>
      waitingIn(figures.slice(at * figuresPerWebhook, (at + 1) * figuresPerWebhook));
    return { nowMs: Number(now), waiting: new Map(ids.map((id, at) => [id, of(at)])) };
  }

  /** Notes a try. False, with nothing changed, if the lease was lost or the event waits no more. */
  async tried(fence: string, { webhook, event, step, outcome, durationMs }: Tried): Promise<boolean> {
    const { store, keys } = this.#parts;
    const { becomes, inMs, restMs } = marksOf(step);
    const reply = await store.run(
      scripts.markTried,
      [keys.lease('events'), keys.undelivered(webhook), keys.due(webhook), keys.deliveries(webhook)],
      [
        fence,
        event,
        becomes,
        inMs,
        restMs,
        outcome.status ?? '',
        errorOf(outcome) ?? '',
        Math.round(durationMs),
      ],
    );
    return reply === 1;
  }

  /**
   * Ends the deliveries to a webhook and tells the event of it; what waits for it stays. False if the lease was lost or
   * somebody has changed the webhook.
   */
  async disable(
    fence: string,
    { webhook, text }: StoredWebhook,
    { because, nowMs }: Disabling,
  ): Promise<boolean> {
    const { keys, changes } = this.#parts;
    const { id, team } = webhook;
    const next = JSON.stringify({
      ...webhook,
      disabled_at: new Date(nowMs).toISOString(),
      disabled_because: because,
    });
    const reply = await actingAs({ actor: delivery, address: null, requestId: null }, () =>
      changes.run(scripts.disable, {
        keys: [keys.lease('events'), keys.webhooks],
        args: [id, fence, text, next],
        change: { ...changeOf({ kind: 'webhook', team, id }, text, next), operation: 'webhook.disable' },
      }),
    );
    return reply === 1;
  }
}

export interface Disabling {
  because: string;
  nowMs: number;
}

/** A try of an event, and what follows. */
export interface Tried {
  /** Its id. */
  webhook: string;
  /** Its id. */
  event: string;
  step: Step;
  outcome: TryOutcome;
  durationMs: number;
}

/** A step as `mark_tried.lua` takes it. */
function marksOf(step: Step): { becomes: string; inMs: number; restMs: number } {
  switch (step.kind) {
    case 'delivered':
      return { becomes: 'delivered', inMs: 0, restMs: 0 };
    case 'given_up':
      return { becomes: 'given_up', inMs: 0, restMs: step.restMs };
    case 'retry':
      return { becomes: 'retry', inMs: step.inMs, restMs: step.restMs };
    case 'disable':
      // If it cannot be disabled now, the next try will.
      return { becomes: 'retry', inMs: disabledRestMs, restMs: disabledRestMs };
  }
}

const disabledRestMs = 60_000;
