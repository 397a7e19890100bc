import { invalidBody, noRetry, Refusal } from '../../base/refusal.ts';
import { newId } from '../records/token-text.ts';
import {
  formatOf,
  mostWebhooks,
  newSigningSecret,
  type SigningSecret,
  type Webhook,
} from '../records/webhook.ts';
import type { NewWebhook, WebhookChange } from '../schemas/webhook-requests.ts';
import { webhookIn, type WebhookKey, type WebhookStore } from '../store/webhook-store.ts';
import { type Precondition, unmet } from './precondition.ts';
import { maxAttempts, notFound, tooManyChanges } from './records.ts';
import { tooLarge } from './record-size.ts';

/** What operations on webhooks need. */
export interface WebhookDeps {
  webhooks: Pick<WebhookStore, 'all' | 'read' | 'create' | 'replace'>;
  /** By the store's clock secrets end, and is known which events are older than a webhook; ms. */
  storeNowMs: () => Promise<number>;
}

/** A webhook with its new secret: the only time that is told. Null if it is written for a chat. */
export interface IssuedWebhook {
  record: Webhook;
  secret: string | null;
}

/** Those of a team, or of the gateway, ordered by id. */
export async function listWebhooks({ webhooks }: WebhookDeps, team: string | null): Promise<Webhook[]> {
  return (await webhooks.all()).filter((webhook) => webhook.team === team);
}

/** A webhook, or a 404: also if it is of another team. */
export async function getWebhook({ webhooks }: WebhookDeps, key: WebhookKey): Promise<Webhook | Refusal> {
  const { record } = await found({ webhooks }, key);
  return record ?? noWebhook(key);
}

/** Creates a webhook; a 404 if there is no such team, a 429 if it has as many as it may. */
export async function createWebhook(
  { webhooks, storeNowMs }: WebhookDeps,
  team: string | null,
  asked: NewWebhook,
): Promise<IssuedWebhook | Refusal> {
  const format = asked.format ?? formatOf(asked.url);
  const wrong = format === 'slack' ? incompleteChat(asked.url) : null;
  if (wrong) return wrong;
  const secret = format === 'standard' ? newSigningSecret() : null;
  const record: Webhook = {
    id: `wh_${newId()}`,
    team,
    name: asked.name ?? null,
    url: asked.url,
    format,
    events: asked.events ?? null,
    secrets: secret === null ? [] : [{ text: secret }],
    created_at: new Date(await storeNowMs()).toISOString(),
    disabled_at: null,
    disabled_because: null,
  };
  const large = tooLarge(record);
  if (large) return large;
  switch (await webhooks.create(record, team === null ? mostWebhooks.gateway : mostWebhooks.team)) {
    case 'created':
      return { record, secret };
    case 'no_team':
      return notFound({ kind: 'team', team: team ?? '' });
    case 'full':
      return tooMany(team);
    case 'exists':
      throw new Error('A random id of a webhook came up twice.');
  }
}

/** Changes name, address or types: fields left out stay; null clears the name, and asks for all types. */
export function changeWebhook(
  deps: WebhookDeps,
  key: WebhookKey,
  { asked, precondition }: { asked: WebhookChange; precondition: Precondition },
): Promise<Webhook | Refusal> {
  return change(deps, key, {
    precondition,
    next: (before) => {
      const { name = before.name, url = before.url, events = before.events } = asked;
      const wrong = before.format === 'slack' && asked.url !== undefined ? incompleteChat(url) : null;
      return wrong ?? { ...before, name, url, events };
    },
  });
}

/**
 * Gives a webhook a new secret. The one before signs beside it for `overlapS`: a receiver takes either. A 412 of one
 * that is written for a chat, which has none.
 */
export async function rotateWebhook(
  deps: WebhookDeps,
  key: WebhookKey,
  { overlapS, precondition }: { overlapS: number; precondition: Precondition },
): Promise<IssuedWebhook | Refusal> {
  const secret = newSigningSecret();
  const until = new Date((await deps.storeNowMs()) + overlapS * 1_000).toISOString();
  const withNew = ([newest]: readonly SigningSecret[]): SigningSecret[] => [
    { text: secret },
    ...(newest === undefined || overlapS === 0 ? [] : [{ text: newest.text, until }]),
  ];
  const record = await change(deps, key, {
    precondition,
    operation: 'webhook.rotate',
    next: (before) =>
      before.format === 'slack' ? hasNoSecret() : { ...before, secrets: withNew(before.secrets) },
  });
  return record instanceof Refusal ? record : { record, secret };
}

/** Has events sent again to a webhook that was disabled. A 412 as long as it lacks what sending needs. */
export function enableWebhook(
  deps: WebhookDeps,
  key: WebhookKey,
  precondition: Precondition,
): Promise<Webhook | Refusal> {
  return change(deps, key, {
    precondition,
    operation: 'webhook.enable',
    next: (before) => unsendable(before) ?? { ...before, disabled_at: null, disabled_because: null },
  });
}

/** Deletes a webhook, with what waits to be sent to it. Works in a full store. */
export async function deleteWebhook(
  { webhooks }: WebhookDeps,
  key: WebhookKey,
  precondition: Precondition,
): Promise<Refusal | null> {
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    const { text, record } = await found({ webhooks }, key);
    if (text === null || record === null) return noWebhook(key);
    const refusal = unmet(precondition, record);
    if (refusal) return refusal;
    if ((await webhooks.replace(key, { expected: text, next: null })) === 'replaced') return null;
  }
  return tooManyChanges('This webhook is');
}

interface ChangeOfOne {
  precondition: Precondition;
  /** Its name in the audit trail; absent: what the records tell. */
  operation?: string;
  next: (before: Webhook) => Webhook | Refusal;
}

/** Changes a record unless somebody else does meanwhile; then it begins anew. */
async function change(
  { webhooks }: WebhookDeps,
  key: WebhookKey,
  { precondition, operation, next }: ChangeOfOne,
): Promise<Webhook | Refusal> {
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    const { text, record } = await found({ webhooks }, key);
    if (text === null || record === null) return noWebhook(key);
    const after = unmet(precondition, record) ?? next(record);
    if (after instanceof Refusal) return after;
    const large = tooLarge(after, record);
    if (large) return large;
    const written = JSON.stringify(after);
    if (written === text) return after;
    const named = operation === undefined ? {} : { operation };
    if ((await webhooks.replace(key, { expected: text, next: written, ...named })) === 'replaced')
      return after;
  }
  return tooManyChanges('This webhook is');
}

async function found(
  { webhooks }: Pick<WebhookDeps, 'webhooks'>,
  { id, team }: WebhookKey,
): Promise<{ text: string | null; record: Webhook | null }> {
  const text = await webhooks.read(id);
  const record = webhookIn(text);
  return record?.team === team ? { text, record } : { text: null, record: null };
}

/** Of a chat, what comes after the host says which channel it is, and allows to post there. */
function incompleteChat(url: string): Refusal | null {
  if (URL.parse(url)?.pathname !== '/') return null;
  const message = 'url must be the whole address that the chat shows for its incoming webhook.';
  return invalidBody([{ param: 'url', message }]);
}

/** The 412 of a webhook that lacks what sending needs; null if it has it. */
export function unsendable({ format, secrets, url }: Webhook): Refusal | null {
  if (format === 'standard' && secrets.length === 0) {
    return new Refusal('precondition_failed', 'This webhook has no secret to sign with: rotate it first.');
  }
  if (format === 'slack' && URL.parse(url)?.pathname === '/') {
    return new Refusal(
      'precondition_failed',
      'This webhook lacks the rest of its address: set its url first.',
    );
  }
  return null;
}

function hasNoSecret(): Refusal {
  const message =
    'A webhook for a chat is not signed: its address is the secret. Make a new address there, set it as url, and remove the old one there.';
  return new Refusal('precondition_failed', message);
}

function tooMany(team: string | null): Refusal {
  const max = team === null ? mostWebhooks.gateway : mostWebhooks.team;
  const whose = team === null ? 'The gateway' : `The team ${team}`;
  const message = `${whose} may have ${max} webhooks. Delete one that is not needed, or have one take more types of events.`;
  const limit = {
    scope: team === null ? 'gateway' : 'team',
    metric: 'webhooks',
    window: null,
    max,
    resets_at: null,
  };
  return new Refusal('insufficient_quota', message, { limit, headers: noRetry });
}

/** Does not repeat the id: people paste secrets anywhere. */
function noWebhook({ team }: WebhookKey): Refusal {
  const path = team === null ? '/admin/webhooks' : `/admin/teams/${team}/webhooks`;
  return new Refusal('not_found', `There is no webhook with this id here; GET ${path} lists them.`);
}
