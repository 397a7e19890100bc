import { z } from 'zod';
import type { Need } from '../access/permission.ts';
import { actorName } from '../audit/context.ts';
import { okJson } from '../base/operation-docs.ts';
import { checkQuery } from '../base/query.ts';
import { Refusal } from '../base/refusal.ts';
import { getWebhook, unsendable } from '../identity/operations/webhooks.ts';
import type { WebhookScope } from '../identity/schemas/webhook-requests.ts';
import type { WebhookKey } from '../identity/store/webhook-store.ts';
import { deliveryLine } from '../webhooks/delivery-log.ts';
import type { AdminDeps } from './deps.ts';
import { type AdminContext, needing, type Operation, type Route } from './respond.ts';

/** Whose webhooks routes are for, and who may read and change them. */
export interface WebhookOwner {
  path: string;
  scope: WebhookScope;
  /** In words. */
  whose: string;
  reading: Need;
  changing: Need;
  teamOf: (c: AdminContext) => string | null;
}

/** The webhook that a path names. */
export function keyOf({ teamOf }: Pick<WebhookOwner, 'teamOf'>, c: AdminContext): WebhookKey {
  return { id: c.req.param('id') ?? '', team: teamOf(c) };
}

/** What is sent to webhooks: a test, and what was sent. */
export function deliveryRoutes(deps: AdminDeps, owner: WebhookOwner): Route[] {
  const { path } = owner;
  return [
    { path: `${path}/:id/test`, methods: { POST: sendTest(deps, owner) } },
    { path: `${path}/:id/deliveries`, methods: { GET: listDeliveries(deps, owner) } },
  ];
}

function sendTest(deps: AdminDeps, owner: WebhookOwner): Operation {
  const docs = {
    summary: `Send a test to a webhook of ${owner.whose}`,
    details:
      'An event of the type webhook.test is sent at once, also if the webhook is disabled or takes other types. The answer says how that went.',
    answer: okJson(deliveryLine),
    refusals: ['not_found', 'precondition_failed'],
  } as const;
  return needing(owner.changing, docs, async (c) => {
    const record = await getWebhook(deps, keyOf(owner, c));
    if (record instanceof Refusal) return record;
    const refusal = unsendable(record);
    if (refusal) return refusal;
    const { id, team } = record;
    await deps.note({ kind: 'webhook', team, id, operation: 'webhook.test', before: null, after: null });
    return { status: 200, body: await deps.deliveries.sendTest(record, actorName(c.get('actor'))) };
  });
}

/** Of a delivery log, as `log_delivery_line.lua` bounds it. */
const keptLines = 200;

const parameters = z.strictObject({
  limit: z
    .string()
    .regex(/^(?:[1-9][0-9]?|1[0-9]{2}|200)$/, `must be a whole number from 1 to ${keptLines}`)
    .exactOptional(),
});

function listDeliveries(deps: AdminDeps, owner: WebhookOwner): Operation {
  const docs = {
    summary: `List what was sent to a webhook of ${owner.whose}, the newest first`,
    details: `One line for each try: the last ${keptLines} or so, of the last 30 days.`,
    query: parameters,
    answer: okJson(z.object({ data: z.array(deliveryLine), waiting: z.int().min(0) })),
    refusals: ['not_found'],
  } as const;
  return needing(owner.reading, docs, async (c) => {
    const asked = checkQuery(parameters, c.req.url);
    if (asked instanceof Refusal) return asked;
    const record = await getWebhook(deps, keyOf(owner, c));
    if (record instanceof Refusal) return record;
    const [data, waiting] = await Promise.all([
      deps.deliveries.read(record.id, Number(asked.limit ?? keptLines)),
      deps.deliveries.pendingOf([record.id]),
    ]);
    return { status: 200, body: { data, waiting: waiting.get(record.id)?.count ?? 0 } };
  });
}
