import { z } from 'zod';
import type { Admission } from '../limits/admission.ts';
import type { LimitState } from '../limits/grant.ts';
import { useOf } from '../limits/limit-status.ts';
import { time } from '../base/fields.ts';
import { countedMetrics, isOfVisitor, windows } from '../base/limit.ts';
import { okJson, type OperationDocs } from '../base/operation-docs.ts';
import { Refusal } from '../base/refusal.ts';
import { tags } from '../base/tags.ts';
import type { Answers, Reply } from '../edge/answers.ts';
import type { Call } from '../edge/call.ts';
import type { FrontDoor } from '../edge/front-door.ts';
import type { Route } from '../edge/route.ts';
import { type Identity, sessionProof } from '../identity/records/identity.ts';
import { type Session, sessionFields } from '../identity/records/session.ts';

const text = z.string();
const list = z.array(text).nullable().meta({ description: 'null restricts nothing.' });

/** A limit and what is left of it. */
const limitState = z
  .object({
    scope: z.enum(['gateway', 'team', 'user', 'token', 'session', 'end_user']),
    metric: z.enum([...countedMetrics, 'concurrency']),
    window: z.enum(windows).nullable(),
    max: z.number(),
    used: z.number(),
    remaining: z.number(),
    resets_at: time.nullable(),
    models: z.array(text).exactOptional(),
    endpoints: z.array(text).exactOptional(),
    tags: tags.exactOptional(),
    count_cached: z.boolean().exactOptional(),
    enforce: z.boolean().exactOptional(),
    raised_by: z.number().exactOptional().meta({ description: 'What raises add to max now.' }),
    raised_until: time.exactOptional().meta({ description: 'When the first of them ends.' }),
  })
  .meta({ id: 'LimitState' });

const ownToken = z.object({
  id: text,
  name: text.nullable(),
  prefix: text,
  models: list,
  endpoints: list,
  origins: list,
  tools: list,
  session_proof: sessionProof.nullish().meta({ description: 'What its sessions must prove.' }),
  tags: tags.nullish(),
  request_tags: list.optional(),
  expires_at: time.nullable(),
  created_at: time,
});
const ownUser = z.object({ id: text, name: text.nullable(), email: text.nullable() });
/** A team that was made before it had such a list has none. */
const teamList = list.default(null);
const ownTeam = z.object({
  id: text,
  name: text.nullable(),
  models: list,
  endpoints: teamList,
  origins: teamList,
  tools: teamList,
});
const ownSession = z.object({
  ...sessionFields.shape,
  pinned: z
    .object({ endpoint: text, fields: z.array(text), allow: z.array(text) })
    .nullable()
    .meta({ description: 'The names of the fields that are pinned, not their values.' }),
});

const meResponse = z
  .object({
    token: ownToken.exactOptional(),
    user: ownUser.exactOptional(),
    team: ownTeam.exactOptional(),
    session: ownSession.exactOptional(),
    limits: z.array(limitState),
  })
  .meta({ id: 'Me', description: 'The token, its user and team; or the session.' });

const docs: OperationDocs = {
  summary: 'Read your token and what is left of its limits',
  details: 'A session sees itself, its own limits and those of its end user only.',
  answer: okJson(meResponse),
};

/** `GET /v1/me`: what a token or session may know of itself, and of its limits. */
export function meRoute(deps: { frontDoor: FrontDoor; answers: Answers; admission: Admission }): Route {
  const { frontDoor, answers, admission } = deps;

  async function me(call: Call): Promise<Reply> {
    const caller = await frontDoor.authenticate(call, null, { freshly: true });
    if (caller instanceof Refusal) return caller;
    const { identity, limits } = caller.principal;
    const visible = limits.filter(({ scope }) => identity.session === null || isOfVisitor(scope));
    const states = await admission.limits(identity.team.id, visible);
    const who =
      identity.session === null ? tokenResponse(identity) : { session: ownSessionResponse(identity.session) };
    return { status: 200, body: { ...who, limits: states.map(limitResponse) } };
  }

  return {
    path: '/v1/me',
    methods: { GET: { docs, access: 'session or user', handle: answers.replying(me) } },
  };
}

/** Each schema drops the fields that it does not name. */
function tokenResponse({ token, user, team }: Identity): object {
  return { token: ownToken.parse(token), user: ownUser.parse(user), team: ownTeam.parse(team) };
}

/** A page sees nothing of the people behind its session, and not the pinned values, which are the site's. */
function ownSessionResponse({ pinned, limits: _l, end_user_limits: _e, ...session }: Session): object {
  const names = pinned && {
    endpoint: pinned.endpoint,
    fields: Object.keys(pinned.fields),
    allow: pinned.allow,
  };
  return { ...session, pinned: names };
}

function limitResponse(state: LimitState): object {
  const { limit, scope } = state.scoped;
  return {
    scope,
    metric: limit.metric,
    window: limit.metric === 'concurrency' ? null : limit.window,
    max: limit.max,
    ...useOf(state),
    ...(limit.models ? { models: limit.models } : {}),
    ...(limit.endpoints ? { endpoints: limit.endpoints } : {}),
    ...(limit.tags ? { tags: limit.tags } : {}),
    ...('count_cached' in limit ? { count_cached: limit.count_cached } : {}),
    ...(limit.enforce === undefined ? {} : { enforce: limit.enforce }),
  };
}
