import type { CallerTags, Principal, ScopedLimit } from '../identity/records/identity.ts';
import { type Limit, onlyObserves } from '../base/limit.ts';
import { type ErrorCode, invalidBody, type Problem, Refusal } from '../base/refusal.ts';
import type { Endpoint } from '../base/request.ts';
import { hasTags, tagIn, tagText } from '../base/tags.ts';
import type { Pinned, Session } from '../identity/records/session.ts';
import { endpoints, unnamedPaths } from '../validation/registry.ts';
import type { NewSession } from './schema.ts';

/** A session without its id and its times. */
type SessionPolicy = Pick<
  Session,
  'models' | 'endpoints' | 'origins' | 'tools' | 'pinned' | 'tags' | 'request_tags'
> & {
  limits: Limit[];
};

export interface NarrowOptions {
  /** For parents without a list of their own. */
  allowedOrigins: readonly string[];
  /** The problems of a pinned request, for a session that may run these tools. */
  pinnedProblems: (endpoint: Endpoint, pinned: Pinned, tools: readonly string[]) => Problem[];
}

/**
 * The policy of a session as requested, if it is narrower than its parent's in every respect; else a 403 that names the
 * field (a 400 if a pinned request could never be sent). Pure. Admission checks that the parent has not changed.
 */
export function narrowed(
  asked: NewSession,
  { identity: { team, token }, limits, tags }: Pick<Principal, 'identity' | 'limits' | 'tags'>,
  options: NarrowOptions,
): SessionPolicy | Refusal {
  const pinned = pinnedOf(asked, options);
  if (pinned instanceof Refusal) return pinned;
  const paths = pinned === null ? (asked.endpoints ?? null) : [pinned.endpoint];
  const pinnedModel = pinned?.fields['model'];
  const pinnedModels = typeof pinnedModel === 'string' ? [pinnedModel] : null;
  const models = asked.models ?? null;
  return (
    beyond('model_not_allowed', 'models', { asked: models, within: token.models }) ??
    beyond('model_not_allowed', 'models', { asked: models, within: team.models }) ??
    beyond('model_not_allowed', 'pinned.model', { asked: pinnedModels, within: models }) ??
    beyond('model_not_allowed', 'pinned.model', { asked: pinnedModels, within: token.models }) ??
    beyond('model_not_allowed', 'pinned.model', { asked: pinnedModels, within: team.models }) ??
    beyond('endpoint_not_allowed', pinned === null ? 'endpoints' : 'pinned.endpoint', {
      asked: paths,
      // An absent list does not have endpoints that must be named.
      within: token.endpoints ?? unnamedPaths,
    }) ??
    beyond('endpoint_not_allowed', pinned === null ? 'endpoints' : 'pinned.endpoint', {
      asked: paths,
      within: team.endpoints ?? null,
    }) ??
    beyond('origin_not_allowed', 'origins', {
      asked: asked.origins ?? null,
      within: token.origins ?? [...options.allowedOrigins, 'none'],
      ...(token.origins === null ? { why: withoutOrigins } : {}),
    }) ??
    beyond('origin_not_allowed', 'origins', { asked: asked.origins ?? null, within: team.origins ?? null }) ??
    beyond('tool_not_allowed', 'tools', { asked: asked.tools ?? null, within: token.tools ?? [] }) ??
    beyond('tool_not_allowed', 'tools', { asked: asked.tools ?? null, within: team.tools ?? [] }) ??
    beyondTags(asked, tags) ??
    widerLimit(asked.limits ?? [], limits) ?? {
      models: pinnedModels ?? models,
      endpoints: paths,
      origins: asked.origins ?? null,
      tools: asked.tools ?? null,
      limits: asked.limits ?? [],
      pinned,
      ...(asked.tags ? { tags: asked.tags } : {}),
      ...(asked.request_tags ? { request_tags: asked.request_tags } : {}),
    }
  );
}

/** A pinned request belongs to one endpoint: the one it names, else the only one the session may use, else chat. */
function pinnedOf(
  { pinned, endpoints: listed, tools }: NewSession,
  { pinnedProblems }: NarrowOptions,
): Pinned | null | Refusal {
  if (!pinned) return null;
  const only = listed?.length === 1 ? endpoints.find(({ path }) => path === listed[0])?.path : undefined;
  const path = pinned.endpoint ?? only ?? endpoints[0]?.path;
  const endpoint = endpoints.find((each) => each.path === path);
  if (!endpoint) throw new TypeError('The schema lets no unknown endpoint through.');
  if (listed && !listed.includes(endpoint.path)) {
    const message = `pinned.endpoint must be among endpoints; a pinned session admits ${endpoint.path} alone.`;
    return invalidBody([{ param: 'pinned.endpoint', message }]);
  }
  const whole: Pinned = {
    endpoint: endpoint.path,
    fields: pinned.fields,
    allow: pinned.allow ?? [...endpoint.defaultAllow],
  };
  const problems = pinnedProblems(endpoint, whole, tools ?? []);
  return problems.length > 0 ? invalidBody(problems) : whole;
}

const withoutOrigins =
  "is not among the ALLOWED_ORIGINS of this gateway, which count for a token with no list; have it added there or to the token's origins.";

interface Asked {
  asked: readonly string[] | null;
  within: readonly string[] | null;
  why?: string;
}

function beyond(
  code: ErrorCode,
  param: string,
  { asked, within, why = 'is more than the token allows; a session is only ever narrower.' }: Asked,
): Refusal | null {
  if (asked === null || within === null) return null;
  const index = asked.findIndex((item) => !within.includes(item));
  if (index < 0) return null;
  return new Refusal(code, `${param}: ${asked[index] ?? ''} ${why}`, { param });
}

/** A session may set the keys that requests of its token may set, and name again what the token fixes. */
function beyondTags(
  { tags, request_tags: keys }: NewSession,
  { fixed, perRequest }: CallerTags,
): Refusal | null {
  const changed = Object.entries(tags ?? {}).find(
    ([key, value]) => !perRequest.includes(key) && tagIn(fixed, key) !== value,
  );
  const [param, key] = changed
    ? [`tags.${changed[0]}`, changed[0]]
    : ['request_tags', keys?.find((each) => !perRequest.includes(each))];
  if (key === undefined) return null;
  const may = perRequest.length === 0 ? 'none' : perRequest.join(', ');
  const message = `${param}: this token may not set the tag ${key} for a session. It may set: ${may}.`;
  return new Refusal('tag_not_allowed', message, { param });
}

/** A session's limits apply in addition to all others, so a larger one would only mislead. */
function widerLimit(asked: readonly Limit[], above: readonly ScopedLimit[]): Refusal | null {
  for (const [index, limit] of asked.entries()) {
    const smaller = smallerThan(limit, above);
    if (!smaller) continue;
    const param = `limits.${index}.max`;
    const message = `${param} is more than the ${smaller.scope}'s own limit of ${smaller.limit.max}; a session is only ever narrower.`;
    return new Refusal('wider_than_parent', message, { param });
  }
  return null;
}

/**
 * The limits of a session that comes from configuration, such as a sign-in's: larger ones are left out. The smaller
 * limit above applies anyway, and a mistake here must not keep everyone out. Pure.
 */
export function limitsWithin(limits: readonly Limit[], above: readonly ScopedLimit[]): Limit[] {
  return limits.filter((limit) => smallerThan(limit, above) === undefined);
}

/** By the limits themselves: a raise above ends, and the session may outlast it. What only observes bounds nothing. */
function smallerThan(limit: Limit, above: readonly ScopedLimit[]): ScopedLimit | undefined {
  if (onlyObserves(limit)) return undefined;
  return above.find(
    ({ limit: other }) => !onlyObserves(other) && isSameKind(limit, other) && other.max < limit.max,
  );
}

/** Whether the one above counts the same metric, over the same window, and all that this one counts. */
function isSameKind(limit: Limit, above: Limit): boolean {
  if (limit.metric === 'concurrency' || above.metric === 'concurrency') {
    return limit.metric === above.metric && covers(limit, above);
  }
  if (limit.metric !== above.metric || limit.window !== above.window || !covers(limit, above)) return false;
  return countsCached(above) || !countsCached(limit);
}

function countsCached(limit: Limit): boolean {
  return limit.metric !== 'tokens' || limit.count_cached !== false;
}

function covers(limit: Limit, above: Limit): boolean {
  const hasThem = above.tags === undefined || hasTags(tagText(limit.tags), above.tags);
  return hasThem && coversAll(limit.models, above.models) && coversAll(limit.endpoints, above.endpoints);
}

function coversAll(names: readonly string[] | undefined, above: readonly string[] | undefined): boolean {
  return above === undefined || (names?.every((name) => above.includes(name)) ?? false);
}
