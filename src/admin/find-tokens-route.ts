import { z } from 'zod';
import { visibleTeams } from '../base/actor.ts';
import { slug } from '../base/fields.ts';
import { okJson } from '../base/operation-docs.ts';
import { checkQuery } from '../base/query.ts';
import { Refusal } from '../base/refusal.ts';
import { findTokens, type FoundToken, type TokenPosition } from '../identity/operations/find-tokens.ts';
import { endOf, tokenStates } from '../identity/records/token-state.ts';
import { foundToken } from '../identity/schemas/responses.ts';
import { moment } from '../reports/parameters.ts';
import { unknownWho, type Who } from '../reports/who.ts';
import type { AdminDeps } from './deps.ts';
import { cursorParts, cursorText, nameFilter, pageOfRecords, wrongCursor } from './list-pages.ts';
import { defaultLimit } from './report-docs.ts';
import { type AdminContext, needing, type Reply, type Route } from './respond.ts';
import { asShown } from '../identity/operations/limits.ts';
import { timeOf, withLastUses } from './token-responses.ts';

const mostSeconds = 3_162_240_000; // a hundred years, as expires_in

const wholeSeconds = z
  .string()
  .regex(/^\d{1,10}$/, 'must be a whole number of seconds')
  .transform(Number)
  .refine((seconds) => seconds >= 1 && seconds <= mostSeconds, `must be from 1 to ${mostSeconds} seconds`);

const { limit, cursor, q } = pageOfRecords;
const parameters = z.strictObject({
  limit,
  cursor,
  q,
  team: slug.exactOptional(),
  user: slug.exactOptional(),
  state: z
    .enum(tokenStates, `must be one of ${tokenStates.join(', ')}`)
    .meta({ description: 'The first of these that holds; suspended: its user or its team is.' })
    .exactOptional(),
  unused_since: moment(
    'from',
    'A UTC day, or an RFC 3339 time: those made before it and not used from then on.',
  ).exactOptional(),
  expires_within: wholeSeconds
    .meta({ description: 'Seconds: those that end within this time from now on.' })
    .exactOptional(),
  ended_before: moment(
    'from',
    'A UTC day, or an RFC 3339 time: those that were revoked or expired before it.',
  ).exactOptional(),
});
type Parameters = z.infer<typeof parameters>;

/** The first part of this list's cursors: those of other lists do not fit. */
const cursorName = 'tokens';

/** `/admin/tokens`: the tokens of all teams that the actor may see. */
export function findTokensRoute(deps: AdminDeps): Route {
  async function find(c: AdminContext): Promise<Reply> {
    const asked = checkQuery(parameters, c.req.url);
    if (asked instanceof Refusal) return asked;
    const after = asked.cursor === undefined ? null : positionIn(asked.cursor);
    if (after instanceof Refusal) return after;
    const visible = visibleTeams(c.get('actor'));
    const { team } = asked;
    const nowMs = deps.clock.now();
    const { data, next } = await findTokens(deps, {
      limit: asked.limit ?? defaultLimit,
      after,
      teams: team === undefined ? visible : [team],
      passes: filterOf(asked, nowMs),
    });
    const isEmpty = data.length === 0 && next === null && after === null;
    const unknown = isEmpty ? await unknownWho(deps, whoIn(asked), visible) : null;
    if (unknown) return unknown;
    const next_cursor = next && cursorText([cursorName, next.team, next.id]);
    const shown = await asShown(
      data.map(({ token }) => token),
      deps.storeNowMs,
    );
    const found = data.map((each, n) => foundResponse({ ...each, token: shown[n] ?? each.token }));
    return { status: 200, body: { data: found, next_cursor } };
  }

  const docs = {
    summary: 'Find tokens across teams',
    details: `In the teams that you may see, by team and id; there is no other order. The answer is a page: limit tokens (default: ${defaultLimit}), and a next_cursor, which is null after the last ones. A page may be short, or empty, though more follow: a search is bounded.`,
    query: parameters,
    answer: okJson(z.object({ data: z.array(foundToken), next_cursor: z.string().nullable() })),
    refusals: ['not_found'] as const,
  };
  return { path: '/admin/tokens', methods: { GET: needing('read-lists', docs, find) } };
}

function whoIn({ team, user }: Parameters): Who {
  return { ...(team === undefined ? {} : { team }), ...(user === undefined ? {} : { user }) };
}

/** What a token must be to be found; null: nothing. */
function filterOf(asked: Parameters, nowMs: number): ((found: FoundToken) => boolean) | null {
  const { q: part, user, state, unused_since: sinceMs, expires_within: withinS, ended_before: endMs } = asked;
  const named = part === undefined ? null : nameFilter(part);
  const filters: ((found: FoundToken) => boolean)[] = [
    ...(named ? [({ token }: FoundToken) => named(token)] : []),
    ...(user === undefined ? [] : [({ token }: FoundToken) => token.user === user]),
    ...(state === undefined ? [] : [(found: FoundToken) => found.state === state]),
    ...(sinceMs === undefined ? [] : [(found: FoundToken) => isUnusedSince(found, sinceMs)]),
    ...(withinS === undefined ? [] : [(found: FoundToken) => endsWithin(found, nowMs, withinS * 1_000)]),
    ...(endMs === undefined ? [] : [({ token }: FoundToken) => endOf(token) < Math.min(endMs, nowMs + 1)]),
  ];
  return filters.length === 0 ? null : (found) => filters.every((passes) => passes(found));
}

function isUnusedSince({ token, lastUsedMs }: FoundToken, sinceMs: number): boolean {
  return (lastUsedMs ?? Date.parse(token.created_at)) < sinceMs;
}

function endsWithin({ token, state }: FoundToken, nowMs: number, withinMs: number): boolean {
  return state !== 'revoked' && state !== 'expired' && endOf(token) <= nowMs + withinMs;
}

function foundResponse({ token, state, uses, lastUsedMs }: FoundToken): object {
  return { ...withLastUses(token, uses), state, last_used_at: timeOf(lastUsedMs) };
}

function positionIn(text: string): TokenPosition | Refusal {
  const [name, team, id] = cursorParts(text);
  return name === cursorName && team !== undefined && id !== undefined ? { team, id } : wrongCursor();
}
