import { type About, jsonBody, createdJson, noContent, okJson, okList } from '../core/described.ts';
import type { Token } from '../core/identity.ts';
import { Refusal } from '../core/refusal.ts';
import { issuedToken, shownToken } from '../core/shown.ts';
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
  const about = aboutTokens({ newToken, tokenChange });

  async function show(result: Token | Refusal): Promise<Reply> {
    if (result instanceof Refusal) return result;
    const [body = {}] = await shownTokens(deps, result.team, [result]);
    return { status: 200, body, etag: etagOf(result) };
  }

  return [
    {
      path: '/admin/teams/:team/tokens',
      methods: {
        GET: needing('read-team', about.list, async (c) => {
          const tokens = await listTokens(deps, teamIn(c));
          if (tokens instanceof Refusal) return tokens;
          return { status: 200, body: { data: await shownTokens(deps, teamIn(c), tokens) } };
        }),
        POST: needing('change-members', about.issue, async (c) => {
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
        GET: needing('read-team', about.read, async (c) => show(await getToken(deps, tokenIn(c)))),
        PATCH: needing('change-members', about.change, async (c) => {
          const asked = await readBody(c, tokenChange);
          if (!asked.ok) return asked.refusal;
          return show(await changeToken(deps, tokenIn(c), asked.value, c.get('precondition')));
        }),
        DELETE: needing(
          'change-members',
          about.revoke,
          async (c) => (await revokeToken(deps, tokenIn(c), c.get('precondition'))) ?? { status: 204 },
        ),
      },
    },
    rotationRoute(deps),
  ];
}

function aboutTokens({ newToken, tokenChange }: ReturnType<typeof tokenSchemas>) {
  return {
    list: { summary: 'List the tokens of a team, revoked ones too', answer: okList(shownToken) },
    issue: {
      summary: 'Issue a token',
      details: 'Its text is shown this once. With claim, a link is answered that shows it once instead.',
      body: jsonBody(newToken),
      answer: createdJson(issuedToken),
      etag: 'told',
    },
    read: { summary: 'Read a token', answer: okJson(shownToken), etag: 'told' },
    change: {
      summary: 'Change a token',
      details: 'Fields left out stay; null clears. A revoked token cannot be changed.',
      body: jsonBody(tokenChange),
      answer: okJson(shownToken),
      etag: 'asked',
    },
    revoke: {
      summary: 'Revoke a token',
      details: 'The next request with it is refused, everywhere; streams that run go on. It stays listed.',
      answer: noContent,
      etag: 'asked',
    },
  } satisfies Record<string, About>;
}

function tokenIn(c: AdminContext): Place {
  return { team: teamIn(c), id: c.req.param('id') ?? '' };
}
