import { z } from 'zod';
import { administratorRoles } from '../base/actor.ts';
import { okList } from '../base/operation-docs.ts';
import { Refusal } from '../base/refusal.ts';
import { isRecord, type JsonObject } from '../base/request.ts';
import { consoleCallbackPath, type TrustedIssuer } from '../config/issuer.ts';
import type { AdminDeps } from './deps.ts';
import { needing, type Route } from './respond.ts';

const text = z.string();
const values = z.array(z.union([text, z.number(), z.boolean()]));

const issuerResponse = z
  .object({
    issuer: text,
    jwks_uri: text.nullable(),
    audience: z.array(text),
    algorithms: z.array(text),
    public: z.boolean(),
    team: z.union([text, z.object({ claim: text, teams: z.record(text, text) })]),
    require: z.record(text, values),
    users: z.enum(['create', 'existing']),
    max_exchanges: z.int(),
    session: z.looseObject({}).meta({ description: 'Of a pinned request, the names of its fields.' }),
    console: z
      .object({
        client_id: text,
        has_secret: z.boolean(),
        scopes: z.array(text),
        label: text,
        redirect_uri: text.meta({ description: 'What to register with the provider.' }),
        roles: z.array(
          z.object({
            claim: text,
            values,
            role: z.enum(administratorRoles),
            teams: z.array(text).nullable(),
          }),
        ),
      })
      .nullable(),
  })
  .meta({
    id: 'Issuer',
    description: 'An OpenID provider that is trusted, as ISSUERS_FILE has it, without secrets.',
  });

/** `GET /admin/issuers`: whose people may sign in. They are changed in the file, and by a restart. */
export function issuersRoute({ issuers, origin }: Pick<AdminDeps, 'issuers' | 'origin'>): Route {
  const docs = { summary: 'List the trusted issuers', answer: okList(issuerResponse) };
  return {
    path: '/admin/issuers',
    methods: {
      GET: needing('read-gateway', docs, async (c) => {
        if (issuers === null) return unreadable();
        const redirectUri = origin(c.req.header('host')) + consoleCallbackPath;
        return { status: 200, body: { data: issuers.map((issuer) => issuerOf(issuer, redirectUri)) } };
      }),
    },
  };
}

function unreadable(): Refusal {
  const message =
    'The file of ISSUERS_FILE cannot be used here, or names a variable that is not set: ask the gateway over HTTP.';
  return new Refusal('not_found', message);
}

function issuerOf(
  { issuer, jwksUri, audiences, algorithms, isPublic, require, users, ...entry }: TrustedIssuer,
  redirectUri: string,
): z.infer<typeof issuerResponse> {
  const { team, maxExchanges, session, console: client } = entry;
  return {
    issuer,
    jwks_uri: jwksUri,
    audience: [...audiences],
    algorithms: [...algorithms],
    public: isPublic,
    team: team.kind === 'fixed' ? team.team : { claim: team.claim, teams: { ...team.teams } },
    require: Object.fromEntries(Object.entries(require).map(([claim, allowed]) => [claim, [...allowed]])),
    users,
    max_exchanges: maxExchanges,
    session: withoutPinnedValues(session),
    console: client
      ? {
          client_id: client.clientId,
          has_secret: client.clientSecret !== null,
          scopes: [...client.scopes],
          label: client.label,
          redirect_uri: redirectUri,
          roles: client.roles.map(({ values: allowed, teams, ...rule }) => ({
            ...rule,
            values: [...allowed],
            teams: teams && [...teams],
          })),
        }
      : null,
  };
}

/** A pinned prompt is for its sessions only. */
function withoutPinnedValues({ pinned, ...session }: JsonObject): JsonObject {
  return isRecord(pinned) ? { ...session, pinned: Object.keys(pinned) } : session;
}
