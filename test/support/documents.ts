import { hash } from 'node:crypto';
import type { JsonObject, JsonValue } from '../../src/base/request.ts';

const at = '2026-01-31T12:00:00.000Z';

/** The hash a token's text has in the store. */
export function hashOf(text: string): string {
  return hash('sha256', text, 'base64url');
}

export function teamRow(id: string, more: JsonObject = {}): JsonObject {
  return { id, name: null, limits: [], models: null, created_at: at, ...more };
}

export function userRow(id: string, more: JsonObject = {}): JsonObject {
  return { id, team: 'acme', name: null, email: null, limits: [], created_at: at, ...more };
}

/** A token of `acme`'s `ana`, whose secret is named after its id. */
export function tokenRow(id: string, more: JsonObject = {}): JsonObject {
  return {
    id,
    team: 'acme',
    user: 'ana',
    name: null,
    prefix: 'tgk_12345678',
    models: null,
    endpoints: null,
    origins: null,
    tools: null,
    limits: [],
    expires_at: null,
    revoked_at: null,
    created_at: at,
    secret_hashes: [hashOf(id)],
    ...more,
  };
}

/** A webhook of the gateway. */
export function webhookRow(id: string, more: JsonObject = {}): JsonObject {
  return {
    id,
    team: null,
    name: null,
    url: 'https://hooks.example.com',
    format: 'standard',
    events: null,
    created_at: at,
    disabled_at: null,
    disabled_because: null,
    ...more,
  };
}

export interface Rows {
  teams?: JsonValue;
  users?: JsonValue;
  tokens?: JsonValue;
}

/** A document of one team, user and token, or of the rows given. */
export function documentOf(rows: Rows = {}, more: JsonObject = {}): JsonObject {
  return {
    tollgate_export: 1,
    exported_at: '2026-02-01T00:00:00.000Z',
    teams: [teamRow('acme')],
    users: [userRow('ana')],
    tokens: [tokenRow('tok_1')],
    ...rows,
    ...more,
  };
}

/** A document of so many tokens, a hundred a team, each with a user and limits of its own. */
export function largeDocument(tokens: number): JsonObject {
  const numbers = Array.from({ length: tokens }, (_, n) => n);
  const teamOf = (n: number): string => `team-${Math.floor(n / 100)}`;
  const limits = (name: string): JsonValue => [
    { id: `${name}-d`, metric: 'tokens', window: 'day', max: 1_000_000 },
    { id: `${name}-m`, metric: 'requests', window: 'minute', max: 100 },
  ];
  return documentOf({
    teams: [...new Set(numbers.map(teamOf))].map((id) => teamRow(id, { limits: limits(`t-${id}`) })),
    users: numbers.map((n) => userRow(`user-${n}`, { team: teamOf(n) })),
    tokens: numbers.map((n) =>
      tokenRow(`tok_${n}`, { team: teamOf(n), user: `user-${n}`, limits: limits(`k-${n}`) }),
    ),
  });
}
