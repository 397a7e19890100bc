import type { Token } from '../core/identity.ts';
import { Refusal } from '../core/refusal.ts';
import type { Place } from './change-record.ts';
import type { AdminDeps } from './deps.ts';
import { etagOf } from './precondition.ts';
import { readBody } from './read-body.ts';
import { needing, teamIn, type AdminContext, type Reply, type Route } from './respond.ts';
import { handOver, handOverIn, rotationRoute } from './rotation-route.ts';
import { tokenSchemas } from './schemas.ts';
import { shownTokens } from './shown-token.ts';
import { changeToken, getToken, issueToken, listTokens, revokeToken } from './tokens.ts';

/** The tokens of a team. */
export function tokenRoutes(deps: AdminDeps): Route[] {
  const { newToken, tokenChange } = tokenSchemas(deps);

  async function show(result: Token | Refusal): Promise<Reply> {
    if (result instanceof Refusal) return result;
    const [body = {}] = await shownTokens(deps, result.team, [result]);
    return { status: 200, body, etag: etagOf(result) };
  }

  return [
    {
      path: '/admin/teams/:team/tokens',
      methods: {
        GET: needing('read-team', async (c) => {
          const tokens = await listTokens(deps, teamIn(c));
          if (tokens instanceof Refusal) return tokens;
          return { status: 200, body: { data: await shownTokens(deps, teamIn(c), tokens) } };
        }),
        POST: needing('change-members', async (c) => {
          const body = await readBody(c, newToken);
          if (!body.ok) return body.refusal;
          const issued = await issueToken(deps, teamIn(c), body.value);
          if (issued instanceof Refusal) return issued;
          const shown = await handOver(deps, issued, handOverIn(c, body.value));
          return { status: 201, body: shown, etag: etagOf(issued.record) };
        }),
      },
    },
    {
      path: '/admin/teams/:team/tokens/:id',
      methods: {
        GET: needing('read-team', async (c) => show(await getToken(deps, tokenIn(c)))),
        PATCH: needing('change-members', async (c) => {
          const body = await readBody(c, tokenChange);
          if (!body.ok) return body.refusal;
          return show(await changeToken(deps, tokenIn(c), body.value, c.get('precondition')));
        }),
        DELETE: needing(
          'change-members',
          async (c) => (await revokeToken(deps, tokenIn(c), c.get('precondition'))) ?? { status: 204 },
        ),
      },
    },
    rotationRoute(deps),
  ];
}

function tokenIn(c: AdminContext): Place {
  return { team: teamIn(c), id: c.req.param('id') ?? '' };
}
