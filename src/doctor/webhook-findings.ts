import { hostOf } from '../webhooks/destination-url.ts';
import { type Finding, ok, warning } from './finding.ts';
import type { WebhookFacts } from './webhook-facts.ts';

const noWebhooks = ok('webhook', 'There is no webhook: events are sent nowhere.');

/** How many findings are told one by one. */
const mostTold = 20;

/**
 * What is to be said of webhooks. The gateway serves without them, and teams make their own, so that nothing is a problem.
 * Of an address only the host is told: the rest of a chat's address lets anybody post there. Pure.
 */
export function webhookFindings(facts: readonly WebhookFacts[]): Finding[] {
  if (facts.length === 0) return [noWebhooks];
  const found = facts.map((each) => [...stateOf(each), ...addressOf(each)]);
  const well = found.filter((own) => own.length === 0).length;
  const troubles = found.flat();
  const count = `${well} of ${facts.length} ${facts.length === 1 ? 'webhook' : 'webhooks'}`;
  return [
    ok('webhook', `${count} can be sent to.`),
    ...troubles.slice(0, mostTold),
    ...rest(troubles.length),
  ];
}

function stateOf({ webhook, waiting, failingSinceMs, reach }: WebhookFacts): Finding[] {
  const check = 'webhook.state';
  const { id, disabled_at: since, disabled_because: because } = webhook;
  const whose = webhook.team === null ? '' : ` --team ${webhook.team}`;
  if (since !== null) {
    const says = `${named(webhook)} is disabled since ${since}: ${sentence(because ?? 'Nobody has said why')}`;
    const remedy = `Mend what receives, then npm run tollgate -- webhook enable ${id}${whose}`;
    return [warning(check, says, remedy)];
  }
  // The address says why.
  if (failingSinceMs === null || reach !== 'allowed') return [];
  const at = new Date(failingSinceMs).toISOString();
  const says = `${named(webhook)} takes nothing since ${at}; events that wait for it: ${waiting}.`;
  return [warning(check, says, `npm run tollgate -- webhook deliveries ${id}${whose}`)];
}

function addressOf({ webhook, reach }: WebhookFacts): Finding[] {
  const check = 'webhook.address';
  const remedy =
    'Change its url, or name its host in WEBHOOK_PRIVATE_HOSTS if it is yours: docs/webhooks.md#what-is-refused';
  switch (reach) {
    case 'allowed':
      return [];
    case 'refused':
      return [warning(check, `${named(webhook)} has an address that nothing is sent to.`, remedy)];
    case 'private': {
      const says = `${named(webhook)} has a name that stands for an address that is not public.`;
      return [warning(check, says, remedy)];
    }
    case 'unresolved': {
      const says = `${named(webhook)} has a name that stands for nothing, or the name server is silent.`;
      return [warning(check, says, 'Is its url right, and does the receiver still exist?')];
    }
  }
}

function rest(count: number): Finding[] {
  if (count <= mostTold) return [];
  const says = `There are ${count - mostTold} more findings of this kind.`;
  return [warning('webhook', says, 'Mend these, and run this again.')];
}

/** `wh_… of acme (hooks.example.com)`. */
function named({ id, team, url }: WebhookFacts['webhook']): string {
  return `${id} of ${team ?? 'the gateway'} (${hostOf(url)})`;
}

function sentence(text: string): string {
  return text.endsWith('.') ? text : `${text}.`;
}
