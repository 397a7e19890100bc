import type { z } from 'zod';
import { eventTypes, type EventType } from '../base/event.ts';
import { unsafeCharacters } from '../base/fields.ts';
import type { SentEvent } from './waiting.ts';

type DataOf<Type extends EventType> = z.output<(typeof eventTypes)[Type]['data']>;
type Says = { readonly [Type in EventType]: (data: DataOf<Type>, team: string | null) => string };

/**
 * What each type of event says to people. Whatever somebody else could choose to lead readers elsewhere, such as the page
 * that a leak report names, stays out.
 */
const says: Says = {
  'limit.reached': (it, team) =>
    `${percent(it.level)} of the limit of ${amount(it.metric, it.max)}${perWindow(it.window)} of ${ownerOf(it, team)} is used: ${amount(it.metric, it.used)}. ` +
    `It starts anew at ${it.resets_at}.${it.enforced ? '' : ' It only observes.'}`,
  'limit.refusing': (it, team) =>
    `${listed(it.limits.map(({ limit }) => limit))}${of(team)} refused ${counted(it.refused, 'request')} since ${it.since}.` +
    (it.users.length === 0 ? '' : ` Most often: ${listed(it.users.map(({ user }) => user))}.`),
  'token.expiring': (it, team) =>
    `${counted(it.tokens.length + it.more, 'token')}${of(team)} will expire within ${counted(it.days, 'day')}: ${tokens(it)}.`,
  'token.unused': (it, team) =>
    `${counted(it.tokens.length + it.more, 'token')}${of(team)} can be used, and for at least 30 days nobody did: ${tokens(it)}.`,
  'token.rotated': (it, team) =>
    `Token ${titled(it.token, it.name)} of ${it.user}${of(team)} has a new secret, by ${it.actor}.`,
  'token.claimed': (it, team) => `The link that shows token ${it.token}${of(team)} was opened.`,
  'token.revoked': (it, team) =>
    `Token ${titled(it.token, it.name)} of ${it.user}${of(team)} was revoked by ${it.actor}${it.because === null ? '' : `: ${it.because}`}.`,
  'token.leaked': (it, team) =>
    `${it.user === null ? 'Credential' : 'Token'} ${titled(it.token, it.name)}${it.user === null ? '' : ` of ${it.user}`}${of(team)} was reported as leaked, and is revoked. The audit trail says where it was found.`,
  'admin.created': (it) =>
    `${it.actor} has made the administrator ${titled(it.admin, it.name)} with the role ${it.role}${it.teams === null ? '' : ` for ${it.teams.join(', ')}`}.`,
  'signin.provisioned': (it, team) =>
    `${it.user} has signed in for the first time${of(team)}; the user was made.`,
  'upstream.down': (it) =>
    `${it.attachment}${forModel(it.model)} fails (${it.cause}): others are tried first.${it.only_team === null ? '' : ` Only requests of ${it.only_team} have met that.`}`,
  'upstream.recovered': (it) =>
    `${it.attachment}${forModel(it.model)} answers again, after ${counted(it.down_for_s, 'second')}.`,
  'upstream.key_refused': (it) => `The upstream refuses the key of ${it.attachment} with ${it.status}.`,
  'store.filling': (it) =>
    `The store is ${percent(it.level)} full: ${number(it.used_bytes)} of ${number(it.max_bytes)} bytes.`,
  'records.lag': (it) =>
    `Postgres lags behind the store: ${counted(it.entries, 'ledger entry', 'ledger entries')}, ${counted(it.refusals, 'batch of refusals', 'batches of refusals')} and ${counted(it.audit, 'audit entry', 'audit entries')} wait${it.oldest_at === null ? '' : ` since ${it.oldest_at}`}.`,
  'records.gap': (it) =>
    `The records have a gap: ${it.missing === null ? 'some' : number(it.missing)} of the ${it.stream} left the store before they were in Postgres.`,
  'audit.head': (it) => `The audit trail on ${it.day}: entry ${it.sequence}, hash ${it.hash}.`,
  'spend.anomaly': (it, team) =>
    `Spending is unusual${of(team)}: ${usd(it.cost_usd)} on ${it.day}, where the seven days before had ${usd(it.mean_usd)} on average.`,
  'usage.digest': (it, team) =>
    `The week from ${it.from} to ${it.to}${of(team)}: ${counted(it.requests, 'request')} for ${usd(it.cost_usd)}; the week before ${number(it.before.requests)} for ${usd(it.before.cost_usd)}. ` +
    `${number(it.input_tokens)} input and ${number(it.output_tokens)} output tokens, ${counted(it.images, 'image')}, ${counted(it.errors, 'error')}.`,
  'webhook.disabled': (it, team) =>
    `Events are no longer sent to ${it.host} (${it.webhook})${of(team)}. ${it.because}`,
  'webhook.test': (it) => `A test, sent by ${it.actor}. Events will look like this.`,
};

type Named = Pick<DataOf<'token.rotated'>, 'token' | 'user' | 'name'>;

/** An event as a sentence or two, on one line. Names in it are of others' choice: whoever shows it escapes them. Pure. */
export function eventText(event: SentEvent): string {
  return (spoken(event) ?? `An event of the type ${event.type}${of(event.team)}.`).replace(
    unsafeCharacters,
    ' ',
  );
}

/** Null if the data are not as this version knows them. */
function spoken({ type, team, data }: SentEvent): string | null {
  if (!Object.hasOwn(eventTypes, type)) return null;
  const known = type as EventType; // it is a key of the table
  const read = eventTypes[known].data.safeParse(data);
  if (!read.success) return null;
  const say = says[known] as (data: unknown, team: string | null) => string; // what the schema of this type has read
  return say(read.data, team);
}

function of(team: string | null): string {
  return team === null ? '' : ` of team ${team}`;
}

function ownerOf({ scope, user, token }: DataOf<'limit.reached'>, team: string | null): string {
  switch (scope) {
    case 'gateway':
      return 'the gateway';
    case 'team':
      return `team ${team}`;
    case 'user':
      return `user ${user}${of(team)}`;
    case 'token':
      return `token ${token}${of(team)}`;
  }
}

function forModel(model: string | null): string {
  return model === null ? '' : ` for ${model}`;
}

function titled(id: string, name: string | null): string {
  return name === null ? id : `${id} "${name}"`;
}

/** As many as a chat shows well. */
const mostListed = 5;

function listed(names: readonly string[], more = 0): string {
  const left = Math.max(0, names.length - mostListed) + more;
  const shown = names.slice(0, mostListed).join(', ');
  return left === 0 ? shown : `${shown} and ${number(left)} more`;
}

function tokens({
  tokens: some,
  more,
}: Pick<DataOf<'token.expiring'>, 'more'> & { tokens: readonly Named[] }): string {
  return listed(
    some.map(({ token, user, name }) => `${titled(token, name)} of ${user}`),
    more,
  );
}

function perWindow(window: string | null): string {
  return window === null ? '' : ` per ${window}`;
}

function percent(level: number): string {
  return `${level} %`;
}

function number(value: number): string {
  return value.toLocaleString('en-US');
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${number(count)} ${count === 1 ? one : many}`;
}

function usd(value: number): string {
  return `$${value.toLocaleString('en-US', { maximumFractionDigits: 2 })}`;
}

function amount(metric: string, value: number): string {
  if (metric === 'cost_usd') return usd(value);
  return metric === 'concurrency' ? `${number(value)} requests at once` : `${number(value)} ${metric}`;
}
