import { createdJson, okJson, okList, optionalJsonBody } from '../base/operation-docs.ts';
import { Refusal } from '../base/refusal.ts';
import { unknownTeam } from '../identity/operations/records.ts';
import {
  changeWebhook,
  createWebhook,
  deleteWebhook,
  enableWebhook,
  getWebhook,
  type IssuedWebhook,
  listWebhooks,
  rotateWebhook,
} from '../identity/operations/webhooks.ts';
import { originOf } from '../base/webhook-address.ts';
import { mostWebhooks, type Webhook } from '../identity/records/webhook.ts';
import { defaultOverlapS } from '../identity/schemas/requests.ts';
import { webhookRotation, webhookSchemas } from '../identity/schemas/webhook-requests.ts';
import { issuedWebhook, webhookResponse } from '../identity/schemas/webhook-responses.ts';
import type { WebhookKey } from '../identity/store/webhook-store.ts';
import { destinationIn } from '../webhooks/destination-url.ts';
import type { AdminDeps } from './deps.ts';
import { readOptionalBody } from './read-body.ts';
import { deliveryRoutes, keyOf, type WebhookOwner } from './webhook-deliveries.ts';
import { type Answered, issuing, replyOf, resource } from './resource.ts';
import { type AdminContext, needing, type Operation, type Route, teamIn } from './respond.ts';
import { timeOf } from './token-responses.ts';

/** `/admin/webhooks`: where events of the gateway and of all teams are sent. */
export function gatewayWebhookRoutes(deps: AdminDeps): Route[] {
  return webhookRoutes(deps, {
    path: '/admin/webhooks',
    scope: 'gateway',
    whose: 'the gateway',
    reading: 'read-gateway',
    changing: 'change-gateway',
    teamOf: () => null,
  });
}

/** Where events of one team are sent. */
export function teamWebhookRoutes(deps: AdminDeps): Route[] {
  return webhookRoutes(deps, {
    path: '/admin/teams/:team/webhooks',
    scope: 'team',
    whose: 'a team',
    reading: 'read-team',
    changing: 'change-members',
    teamOf: teamIn,
  });
}

function webhookRoutes(deps: AdminDeps, owner: WebhookOwner): Route[] {
  const { path, scope, whose, reading, changing } = owner;
  const { newWebhook, webhookChange } = webhookSchemas(scope, (url) => {
    const read = destinationIn(url, deps.webhookPrivateHosts);
    return read.ok ? null : read.problem;
  });
  const webhooks = resource<Webhook>({ schema: webhookResponse, toResponses: told });
  const keyIn = (c: AdminContext): WebhookKey => keyOf(owner, c);

  async function told(records: readonly Webhook[], c: AdminContext): Promise<object[]> {
    const waiting = await deps.deliveries.pendingOf(records.map(({ id }) => id));
    return records.map((record) => {
      const { count = 0, failingSinceMs = null } = waiting.get(record.id) ?? {};
      const { secrets, ...shown } = mayRead(c) ? record : { ...record, url: `${originOf(record.url)}/…` };
      return {
        ...shown,
        state: stateOf(record, failingSinceMs),
        failing_since: timeOf(failingSinceMs),
        waiting: count,
        old_secret_expires_at: secrets[1]?.until ?? null,
      };
    });
  }

  async function withSecret(
    c: AdminContext,
    issued: IssuedWebhook | Refusal,
  ): Promise<Answered<Webhook> | Refusal> {
    if (issued instanceof Refusal) return issued;
    const { record, secret } = issued;
    const [shown = {}] = await told([record], c);
    return { record, body: { ...shown, secret } };
  }

  return [
    {
      path,
      methods: {
        GET: needing(
          reading,
          { summary: `List the webhooks of ${whose}`, answer: okList(webhookResponse) },
          async (c) => {
            const team = owner.teamOf(c);
            const unknown = team === null ? null : await unknownTeam(deps, team);
            if (unknown) return unknown;
            return { status: 200, body: { data: await told(await listWebhooks(deps, team), c) } };
          },
        ),
        POST: issuing(
          {
            needs: changing,
            summary: `Create a webhook of ${whose}`,
            details: `Events are sent to its url from then on. The secret is shown only this once. At most ${mostWebhooks[scope]}.`,
            body: newWebhook,
            answer: createdJson(issuedWebhook),
            refusals: scope === 'team' ? ['not_found', 'insufficient_quota'] : ['insufficient_quota'],
          },
          async (c, asked) => withSecret(c, await createWebhook(deps, owner.teamOf(c), asked)),
        ),
      },
    },
    {
      path: `${path}/:id`,
      methods: {
        GET: webhooks.read({ needs: reading, summary: `Read a webhook of ${whose}` }, (c) =>
          getWebhook(deps, keyIn(c)),
        ),
        PATCH: webhooks.change(
          {
            needs: changing,
            summary: `Change a webhook of ${whose}`,
            details: 'Fields left out stay; null clears. Its format is for good.',
            body: webhookChange,
          },
          (c, asked) => changeWebhook(deps, keyIn(c), { asked, precondition: c.get('precondition') }),
        ),
        DELETE: webhooks.end(
          {
            needs: changing,
            summary: `Delete a webhook of ${whose}`,
            details: 'What waits to be sent to it is not sent.',
          },
          (c) => deleteWebhook(deps, keyIn(c), c.get('precondition')),
        ),
      },
    },
    { path: `${path}/:id/rotate`, methods: { POST: rotating() } },
    {
      path: `${path}/:id/enable`,
      methods: {
        POST: webhooks.act(
          {
            needs: changing,
            summary: `Send events again to a webhook of ${whose}`,
            details:
              'To one that was disabled. What waited when it was is sent now; what happened since is not.',
          },
          enabled,
        ),
      },
    },
    ...deliveryRoutes(deps, owner),
  ];

  function rotating(): Operation {
    const docs = {
      summary: `Give a webhook of ${whose} a new secret`,
      details: `The old one signs beside it for another overlap_seconds (default: ${defaultOverlapS}).`,
      body: optionalJsonBody(webhookRotation),
      answer: okJson(issuedWebhook),
      etag: 'asked',
    } as const;
    return needing(changing, docs, async (c) => {
      const asked = await readOptionalBody(c, webhookRotation);
      if (asked instanceof Refusal) return asked;
      const overlapS = asked.overlap_seconds ?? defaultOverlapS;
      const rotated = await rotateWebhook(deps, keyIn(c), { overlapS, precondition: c.get('precondition') });
      return replyOf(200, await withSecret(c, rotated));
    });
  }

  async function enabled(c: AdminContext): Promise<Webhook | Refusal> {
    const record = await enableWebhook(deps, keyIn(c), c.get('precondition'));
    if (!(record instanceof Refusal)) await deps.deliveries.retryNow(record.id);
    return record;
  }
}

/** Whoever has the whole address may post there. An auditor only reads. */
function mayRead(c: AdminContext): boolean {
  const actor = c.get('actor');
  return actor.kind === 'root' || actor.role !== 'auditor';
}

function stateOf({ disabled_at: at }: Webhook, failingSinceMs: number | null): 'ok' | 'failing' | 'disabled' {
  if (at !== null) return 'disabled';
  return failingSinceMs === null ? 'ok' : 'failing';
}
