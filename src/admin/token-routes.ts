import { z } from 'zod';
import { slug } from '../base/fields.ts';
import { checkQuery } from '../base/query.ts';
import { createdJson, okJson, type OperationDocs, optionalJsonBody } from '../base/operation-docs.ts';
import { Refusal } from '../base/refusal.ts';
import { changeToken } from '../identity/operations/change.ts';
import { type Issued, issueToken } from '../identity/operations/create.ts';
import { revokeToken } from '../identity/operations/end.ts';
import { purgeTokens } from '../identity/operations/forget-ended.ts';
import { memberSource } from '../identity/operations/record-source.ts';
import { listRecords, readRecord, unknownTeam } from '../identity/operations/records.ts';
import { rotateToken } from '../identity/operations/rotate-token.ts';
import type { Token, TokenKey } from '../identity/records/identity.ts';
import { scopedLimits } from '../identity/records/scoped-limits.ts';
import { lastUseMs } from '../identity/records/secret.ts';
import { defaultOverlapS, rotation, tokenSchemas } from '../identity/schemas/requests.ts';
import { issuedToken, tokenResponse } from '../identity/schemas/responses.ts';
import type { AdminDeps } from './deps.ts';
import { endpointPaths } from '../validation/registry.ts';
import { moment } from '../reports/parameters.ts';
import { unknownWho } from '../reports/who.ts';
import { type Listed, pageOfTokens } from './list-pages.ts';
import { listing } from './listing.ts';
import { raiseRoutes } from './raise-routes.ts';
import { readOptionalBody } from './read-body.ts';
import { limitUses } from './limit-uses.ts';
import { limitWarnings } from './limit-warnings.ts';
import { type Answered, issuing, type Presentation, replyOf, resource, withWarnings } from './resource.ts';
import { asShown } from '../identity/operations/limits.ts';
import { timeOf, withLastUses } from './token-responses.ts';
import { type AdminContext, needing, type Operation, type Route, teamIn } from './respond.ts';

const needs = 'change-members';

const listParameters = z.strictObject({
  user: slug.exactOptional().meta({ description: 'Only the tokens of this user.' }),
  ...pageOfTokens,
});

type ListParameters = z.infer<typeof listParameters>;

const mostPurged = 100;

const purgeParameters = z.strictObject({
  ended_before: moment('from', 'A UTC day, or an RFC 3339 time: those that ended before it are deleted.'),
});

const purged = z
  .object({
    deleted: z.int(),
    remaining: z.int().meta({ description: 'More to delete: ask again until it is 0.' }),
  })
  .meta({ id: 'PurgedTokens' });

/** The tokens of a team. */
export function tokenRoutes(deps: AdminDeps): Route[] {
  const { newToken, tokenChange } = tokenSchemas({ clock: deps.clock, endpointPaths });
  const shown: Presentation<Token> = {
    schema: tokenResponse,
    toResponses: (records) => tokenResponses(deps, records),
    usesOf: (token) => limitUses(deps.counters, token.team, scopedLimits('token', token)),
    warningsOf: (token) => tokenWarnings(deps, token),
  };
  const tokens = resource(shown);
  return [
    {
      path: '/admin/teams/:team/tokens',
      methods: {
        GET: listing(
          shown,
          { needs: 'read-team', summary: 'List the tokens of a team, including revoked ones' },
          {
            query: listParameters,
            all: (c, asked) => listTokens(deps, teamIn(c), asked),
            paged: (c, asked) => tokensToPage(deps, teamIn(c), asked),
          },
        ),
        POST: issuing(
          {
            needs,
            summary: 'Issue a token',
            details:
              'The answer has the text of the token, which is shown only this once. With claim, it has a link instead that shows the text once.',
            body: newToken,
            answer: createdJson(issuedToken),
          },
          async (c, asked) => handOver(deps, c, await issueToken(deps, teamIn(c), asked), asked),
        ),
        DELETE: purge(deps),
      },
    },
    {
      path: '/admin/teams/:team/tokens/:id',
      methods: {
        GET: tokens.read({ needs: 'read-team', summary: 'Read a token' }, (c) =>
          readRecord(deps, tokenKey(c)),
        ),
        PATCH: tokens.change(
          {
            needs,
            summary: 'Change a token',
            details: 'Fields left out stay; null clears. A revoked token cannot be changed.',
            body: tokenChange,
          },
          (c, asked) => changeToken(deps, tokenKey(c), asked, c.get('precondition')),
        ),
        DELETE: tokens.end(
          {
            needs,
            summary: 'Revoke a token',
            details:
              'The next request with it is refused, everywhere; running streams go on. The token stays listed.',
          },
          (c) => revokeToken(deps, tokenKey(c), c.get('precondition')),
        ),
      },
    },
    { path: '/admin/teams/:team/tokens/:id/rotate', methods: { POST: rotate(deps) } },
    ...raiseRoutes(deps, tokens, {
      path: '/admin/teams/:team/tokens/:id',
      needs,
      noun: 'token',
      keyOf: tokenKey,
    }),
  ];
}

/** The tokens of a team, or of one user. */
async function listTokens(
  deps: AdminDeps,
  team: string,
  { user }: ListParameters,
): Promise<readonly Token[] | Refusal> {
  if (user === undefined) return listRecords(deps, 'token', team);
  const owner = await readRecord(deps, { kind: 'user', team, id: user });
  if (owner instanceof Refusal) return owner;
  const tokens = await listRecords(deps, 'token', team);
  return tokens instanceof Refusal ? tokens : tokens.filter((token) => token.user === user);
}

/** The same, to read in pages. */
async function tokensToPage(
  deps: AdminDeps,
  team: string,
  { user }: ListParameters,
): Promise<Listed<Token> | Refusal> {
  const unknown = await unknownWho(deps, { team, ...(user === undefined ? {} : { user }) }, [team]);
  if (unknown) return unknown;
  return {
    source: memberSource(deps, 'token', team),
    only: user === undefined ? null : (token) => token.user === user,
    lastUses: async (tokens) => {
      const ids = tokens.map(({ id }) => id);
      return (await deps.lastUses(team, ids)).map((uses) => timeOf(lastUseMs(uses)) ?? '');
    },
  };
}

/** Deletes tokens that ended long ago. A call is bounded, and the next one goes on. */
function purge(deps: AdminDeps): Operation {
  const docs: OperationDocs = {
    summary: 'Delete tokens that ended long ago',
    details: `Those that were revoked or expired before ended_before, at most ${mostPurged} in one call. The audit trail keeps what they were.`,
    query: purgeParameters,
    answer: okJson(purged),
    refusals: ['not_found'],
  };
  const operation = needing(needs, docs, async (c) => {
    const asked = checkQuery(purgeParameters, c.req.url);
    if (asked instanceof Refusal) return asked;
    const unknown = await unknownTeam(deps, teamIn(c));
    if (unknown) return unknown;
    // Only what has ended, whatever time is named.
    const beforeMs = Math.min(asked.ended_before, deps.clock.now() + 1);
    return { status: 200, body: await purgeTokens(deps, teamIn(c), { beforeMs, most: mostPurged }) };
  });
  return { ...operation, ends: true };
}

function rotate(deps: AdminDeps): Operation {
  const docs = {
    summary: 'Give a token a new secret',
    details: `The old one works for another overlap_seconds (default: ${defaultOverlapS}).`,
    body: optionalJsonBody(rotation),
    answer: okJson(issuedToken),
    etag: 'asked',
  } as const;
  return needing(needs, docs, async (c) => {
    const asked = await readOptionalBody(c, rotation);
    if (asked instanceof Refusal) return asked;
    const overlapS = asked.overlap_seconds ?? defaultOverlapS;
    const rotated = await rotateToken(deps, tokenKey(c), { overlapS, precondition: c.get('precondition') });
    return replyOf(200, await handOver(deps, c, rotated, asked));
  });
}

/** The answer with a token's text, the only time it is shown, or with the link that shows it once. */
async function handOver(
  deps: AdminDeps,
  c: AdminContext,
  issued: Issued<Token> | Refusal,
  { claim }: { claim?: boolean | null | undefined },
): Promise<Answered<Token> | Refusal> {
  if (issued instanceof Refusal) return issued;
  const { record, text } = issued;
  const { id, team, user } = record;
  const [shown = {}] = await tokenResponses(deps, [record]);
  const response = withWarnings(shown, tokenWarnings(deps, record));
  if (!claim) return { record, body: { id, token: text, ...response } };
  const { url, expiresAtMs } = await deps.claims.make({ id, token: text, team, user }, c.req.header('host'));
  const link = { claim_url: url, claim_expires_at: new Date(expiresAtMs).toISOString() };
  return { record, body: { id, ...link, ...response } };
}

function tokenWarnings(
  { models: facts }: Pick<AdminDeps, 'models'>,
  { limits, end_user_limits: ofEndUsers, models }: Token,
): string[] {
  return [
    ...limitWarnings(limits, models, facts),
    ...limitWarnings(ofEndUsers ?? [], models, facts, 'end_user_limits'),
  ];
}

/** Tokens of one team in the form of the admin API: secrets without hashes, each with its last use. */
async function tokenResponses(
  { lastUses, storeNowMs }: Pick<AdminDeps, 'lastUses' | 'storeNowMs'>,
  tokens: readonly Token[],
): Promise<object[]> {
  const [first] = tokens;
  if (!first) return [];
  const ids = tokens.map(({ id }) => id);
  const [uses, shown] = await Promise.all([lastUses(first.team, ids), asShown(tokens, storeNowMs)]);
  return shown.map((token, n) => withLastUses(token, uses[n] ?? new Map()));
}

function tokenKey(c: AdminContext): TokenKey {
  return { kind: 'token', team: teamIn(c), id: c.req.param('id') ?? '' };
}
