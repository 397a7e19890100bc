import {
  type OperationDocs,
  jsonBody,
  createdJson,
  noContent,
  okJson,
  okList,
} from '../base/operation-docs.ts';
import type { Token } from '../identity/records/identity.ts';
import { Refusal } from '../base/refusal.ts';
import { issuedToken, tokenResponse } from '../identity/records/responses.ts';
import type { Place } from '../identity/operations/change-record.ts';
import type { AdminDeps } from './deps.ts';
import { etagOf } from '../identity/operations/precondition.ts';
import { endpointPaths } from '../validation/registry.ts';
import { readBody } from './read-body.ts';
import { needing, teamIn, type AdminContext, type Reply, type Route } from './respond.ts';
import { handOver, handOverIn, rotationRoute } from './rotation-route.ts';
import { tokenSchemas } from '../identity/schemas/schemas.ts';
import { tokenResponses } from '../identity/records/token-response.ts';
import { changeToken, getToken, issueToken, listTokens, revokeToken } from '../identity/operations/tokens.ts';

/** The tokens of a team. */
export function tokenRoutes(deps: AdminDeps): Route[] {
  const { newToken, tokenChange } = tokenSchemas({ clock: deps.clock, endpointPaths });
  const docs = tokenDocs({ newToken, tokenChange });

  async function show(result: Token | Refusal): Promise<Reply> {
    if (result instanceof Refusal) return result;
    const [body = {}] = await tokenResponses(deps, result.team, [result]);
    return { status: 200, body, etag: etagOf(result) };
  }

  return [
    {
      path: '/admin/teams/:team/tokens',
      methods: {
        GET: needing('read-team', docs.list, async (c) => {
          const tokens = await listTokens(deps, teamIn(c));
          if (tokens instanceof Refusal) return tokens;
          return { status: 200, body: { data: await tokenResponses(deps, teamIn(c), tokens) } };
        }),
        POST: needing('change-members', docs.issue, async (c) => {
          const asked = await readBody(c, newToken);
          if (!asked.ok) return asked.refusal;
          const issued = await issueToken(deps, teamIn(c), asked.value);
          if (issued instanceof Refusal) return issued;
          const shown = await handOver(deps, issued, handOverIn(c, asked.value));
          return { status: 201, body: shown, etag: etagOf(issued.record) };
        }),
      },
    },
    {
      path: '/admin/teams/:team/tokens/:id',
      methods: {
        GET: needing('read-team', docs.read, async (c) => show(await getToken(deps, tokenIn(c)))),
        PATCH: needing('change-members', docs.change, async (c) => {
          const asked = await readBody(c, tokenChange);
          if (!asked.ok) return asked.refusal;
          return show(await changeToken(deps, tokenIn(c), asked.value, c.get('precondition')));
        }),
        DELETE: needing(
          'change-members',
          docs.revoke,
          async (c) => (await revokeToken(deps, tokenIn(c), c.get('precondition'))) ?? { status: 204 },
        ),
      },
    },
    rotationRoute(deps),
  ];
}

function tokenDocs({ newToken, tokenChange }: ReturnType<typeof tokenSchemas>) {
  return {
    list: { summary: 'List the tokens of a team, revoked ones too', answer: okList(tokenResponse) },
    issue: {
      summary: 'Issue a token',
      details: 'Its text is shown this once. With claim, a link is answered that shows it once instead.',
      body: jsonBody(newToken),
      answer: createdJson(issuedToken),
      etag: 'told',
    },
    read: { summary: 'Read a token', answer: okJson(tokenResponse), etag: 'told' },
    change: {
      summary: 'Change a token',
      details: 'Fields left out stay; null clears. A revoked token cannot be changed.',
      body: jsonBody(tokenChange),
      answer: okJson(tokenResponse),
      etag: 'asked',
    },
    revoke: {
      summary: 'Revoke a token',
      details: 'The next request with it is refused, everywhere; streams that run go on. It stays listed.',
      answer: noContent,
      etag: 'asked',
    },
  } satisfies Record<string, OperationDocs>;
}

function tokenIn(c: AdminContext): Place {
  return { team: teamIn(c), id: c.req.param('id') ?? '' };
}
