import type { Place } from './change-record.ts';
import type { AdminDeps } from './deps.ts';
import { readBody } from './read-body.ts';
import { needing, replyWith, replyWithList, teamIn, type AdminContext, type Route } from './respond.ts';
import { tokenSchemas } from './schemas.ts';
import { shown } from './stored-limits.ts';
import { changeToken, getToken, issueToken, listTokens, revokeToken, type IssuedToken } from './tokens.ts';

/** The tokens of a team. */
export function tokenRoutes(deps: AdminDeps): Route[] {
  const { newToken, tokenChange } = tokenSchemas(deps);
  return [
    {
      path: '/admin/teams/:team/tokens',
      methods: {
        GET: needing('read-team', async (c) => replyWithList(await listTokens(deps, teamIn(c)), shown)),
        POST: needing('change-members', async (c) => {
          const body = await readBody(c, newToken);
          if (!body.ok) return body.refusal;
          return replyWith(201, await issueToken(deps, teamIn(c), body.value), shownOnce);
        }),
      },
    },
    {
      path: '/admin/teams/:team/tokens/:id',
      methods: {
        GET: needing('read-team', async (c) => replyWith(200, await getToken(deps, tokenIn(c)), shown)),
        PATCH: needing('change-members', async (c) => {
          const body = await readBody(c, tokenChange);
          if (!body.ok) return body.refusal;
          return replyWith(200, await changeToken(deps, tokenIn(c), body.value), shown);
        }),
        DELETE: needing(
          'change-members',
          async (c) => (await revokeToken(deps, tokenIn(c))) ?? { status: 204 },
        ),
      },
    },
  ];
}

/** A token just made, with its text: the only time it is shown. */
function shownOnce({ record, text }: IssuedToken): object {
  const { id, ...rest } = shown(record);
  return { id, token: text, ...rest };
}

function tokenIn(c: AdminContext): Place {
  return { team: teamIn(c), id: c.req.param('id') ?? '' };
}
