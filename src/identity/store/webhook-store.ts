import { AuditedStore, changeOf } from '../../audit/audit.ts';
import { parsedJson } from '../../base/request.ts';
import { loadScript } from '../../store/script.ts';
import { StoreUnavailable } from '../../store/store-unavailable.ts';
import { type Webhook, webhookFields } from '../records/webhook.ts';

const createWebhook = loadScript(new URL('./create_webhook.lua', import.meta.url));
const replaceWebhook = loadScript(new URL('./replace_webhook.lua', import.meta.url));
const deleteWebhook = loadScript(new URL('./delete_webhook.lua', import.meta.url));

/** Where a webhook is, and whose it is. */
export type WebhookKey = Pick<Webhook, 'id' | 'team'>;

/** What may become of a new webhook. */
export type CreatedWebhook = 'created' | 'exists' | 'no_team' | 'full';

/**
 * Where events are sent. Each change is one script, which writes its audit entry too. Methods reject with
 * `StoreUnavailable`.
 */
export class WebhookStore extends AuditedStore {
  /** Of the gateway and of all teams, ordered by id. One that somebody has altered so that it cannot be read is left out. */
  async all(): Promise<Webhook[]> {
    const records = await this.store.attempt((client) => client.hgetall(this.keys.webhooks));
    return Object.entries(records)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([, text]) => webhookIn(text) ?? []);
  }

  /** The text of a webhook's record, or null. */
  read(id: string): Promise<string | null> {
    return this.store.attempt((client) => client.hget(this.keys.webhooks, id));
  }

  /** Stores a new one, of which its team, or the gateway, may have at most `most`. */
  async create(webhook: Webhook, most: number): Promise<CreatedWebhook> {
    const { id, team } = webhook;
    const text = JSON.stringify(webhook);
    const reply = await this.changes.run(createWebhook, {
      keys: [this.keys.webhooks, this.keys.teams],
      args: [id, team ?? '', most, text],
      change: changeOf({ kind: 'webhook', team, id }, null, text),
    });
    return createdWebhook(reply);
  }

  /**
   * Replaces a record if its text is still `expected`; `next` null deletes it with what waits for it, also in a full store.
   * `operation` is its name in the audit trail, if the records do not tell it.
   */
  async replace(
    { id, team }: WebhookKey,
    { expected, next, operation }: { expected: string; next: string | null; operation?: string },
  ): Promise<'replaced' | 'conflict'> {
    const { webhooks, undelivered, due, deliveries } = this.keys;
    const named = operation === undefined ? {} : { operation };
    const change = { ...changeOf({ kind: 'webhook', team, id }, expected, next), ...named };
    const reply = await (next === null
      ? this.changes.run(deleteWebhook, {
          keys: [webhooks, undelivered(id), due(id), deliveries(id)],
          args: [id, expected],
          change,
        })
      : this.changes.run(replaceWebhook, { keys: [webhooks], args: [id, expected, next], change }));
    return reply === 1 ? 'replaced' : 'conflict';
  }
}

/** A webhook from its text; null if there is none, or it cannot be read. */
export function webhookIn(text: string | null): Webhook | null {
  const read = webhookFields.safeParse(text === null ? null : parsedJson(text));
  return read.success ? read.data : null;
}

function createdWebhook(reply: unknown): CreatedWebhook {
  switch (reply) {
    case 'created':
    case 'exists':
    case 'no_team':
    case 'full':
      return reply;
  }
  throw new StoreUnavailable('The store gave an answer that create_webhook.lua does not give.');
}
