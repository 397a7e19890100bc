import { z } from 'zod';
import { slug } from '../base/fields.ts';
import { checkQuery } from '../base/query.ts';
import { createdJson, okJson, optionalJsonBody } from '../base/operation-docs.ts';
import { Refusal } from '../base/refusal.ts';
import { changeToken } from '../identity/operations/change.ts';
import { type Issued, issueToken } from '../identity/operations/create.ts';
import { revokeToken } from '../identity/operations/end.ts';
import { withoutLimitIds } from '../identity/operations/limits.ts';
import { listRecords, readRecord } from '../identity/operations/records.ts';
import { rotateToken } from '../identity/operations/rotate-token.ts';
import type { Token, TokenKey } from '../identity/records/identity.ts';
import { type LastUses, secretsOf } from '../identity/records/secret.ts';
import { defaultOverlapS, rotation, tokenSchemas } from '../identity/schemas/requests.ts';
import { issuedToken, tokenResponse } from '../identity/schemas/responses.ts';
import type { AdminDeps } from './deps.ts';
import { endpointPaths } from '../validation/registry.ts';
import { readOptionalBody } from './read-body.ts';
import { limitWarnings } from './limit-warnings.ts';
import { type Answered, issuing, replyOf, resource, withWarnings } from './resource.ts';
import { type AdminContext, needing, type Operation, type Route, teamIn } from './respond.ts';

const needs = 'change-members';

const listParameters = z.strictObject({
  user: slug.exactOptional().meta({ description: 'Only the tokens of this user.' }),
});

/** The tokens of a team. */
export function tokenRoutes(deps: AdminDeps): Route[] {
  const { newToken, tokenChange } = tokenSchemas({ clock: deps.clock, endpointPaths });
  const tokens = resource<Token>({
    schema: tokenResponse,
    toResponses: (records) => tokenResponses(deps, records),
    warningsOf: (token) => tokenWarnings(deps, token),
  });
  return [
    {
      path: '/admin/teams/:team/tokens',
      methods: {
        GET: tokens.list(
          {
            needs: 'read-team',
            summary: 'List the tokens of a team, including revoked ones',
            query: listParameters,
          },
          (c) => listTokens(deps, c),
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
  ];
}

/** The tokens of the team in the path, or of one user. */
async function listTokens(deps: AdminDeps, c: AdminContext): Promise<readonly Token[] | Refusal> {
  const asked = checkQuery(listParameters, c.req.url);
  if (asked instanceof Refusal) return asked;
  const { user: id } = asked;
  if (id === undefined) return listRecords(deps, 'token', teamIn(c));
  const user = await readRecord(deps, { kind: 'user', team: teamIn(c), id });
  if (user instanceof Refusal) return user;
  const tokens = await listRecords(deps, 'token', teamIn(c));
  return tokens instanceof Refusal ? tokens : tokens.filter((token) => token.user === id);
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

function tokenWarnings({ models: facts }: Pick<AdminDeps, 'models'>, { limits, models }: Token): string[] {
  return limitWarnings(limits, models, facts);
}

/** Tokens of one team in the form of the admin API: secrets without hashes, each with its last use. */
async function tokenResponses(
  { lastUses }: Pick<AdminDeps, 'lastUses'>,
  tokens: readonly Token[],
): Promise<object[]> {
  const [first] = tokens;
  if (!first) return [];
  const ids = tokens.map(({ id }) => id);
  const uses = await lastUses(first.team, ids);
  return tokens.map((token, n) => withLastUses(token, uses[n] ?? new Map()));
}

function withLastUses(token: Token, uses: LastUses): object {
  const secrets = secretsOf(token).map((secret) => {
    const atMs = uses.get(secret.prefix);
    return { ...secret, last_used_at: atMs === undefined ? null : new Date(atMs).toISOString() };
  });
  const { secrets: _secrets, ...rest } = token;
  return { ...withoutLimitIds(rest), secrets };
}

function tokenKey(c: AdminContext): TokenKey {
  return { kind: 'token', team: teamIn(c), id: c.req.param('id') ?? '' };
}
