import { isSameEmail } from '../identity/records/unshared.ts';
import { tokenSchemas, userSchemas } from '../identity/schemas/requests.ts';
import { systemClock } from '../base/clock.ts';
import type { JsonObject } from '../base/request.ts';
import { endpointPaths } from '../validation/registry.ts';
import { adminPath, parseExpiry, parseLimit } from './arguments.ts';
import { plain } from './cells.ts';
import type { ManyFromFile } from './create-many.ts';
import type { CsvRow } from './csv-rows.ts';

/* What `user create --file` and `token issue --file` read: one file may serve both. */

export const manyUsers: ManyFromFile = {
  columns: ['user', 'name', 'email', 'limits'],
  ignored: ['token', 'expires', 'models'],
  schema: userSchemas(endpointPaths).newUser,
  bodyOf: ({ user = '', name = '', email = '', limits = '' }) => ({
    id: user,
    ...given({ name, email }),
    ...limitsIn(limits),
  }),
  uniqueIn: ({ id, email }) => [textOf(id), typeof email === 'string' ? email.toLowerCase() : null],
  known: async (cli, team) => {
    const users = await cli.rows(adminPath('teams', team, 'users'));
    const ids = new Set(users.map(({ id }) => id));
    return {
      has: ({ id }) => ids.has(id),
      problemOf: ({ email }) => {
        const other = users.find(
          (user) =>
            typeof email === 'string' &&
            typeof user['email'] === 'string' &&
            isSameEmail(user['email'], email),
        );
        return other ? `${plain(email)} is the address of ${plain(other['id'])} already` : null;
      },
    };
  },
  printed: ['id', 'name', 'email'],
  note: () => 'To give each of them a token: token issue <team> --file with the same file.',
};

export const manyTokens: ManyFromFile = {
  columns: ['user', 'token', 'expires', 'models', 'limits'],
  ignored: ['name', 'email'],
  schema: tokenSchemas({ endpointPaths, clock: systemClock }).newToken,
  bodyOf: ({ user = '', token = '', expires = '', models = '', limits = '' }) => ({
    user,
    claim: true,
    ...given({ name: token }),
    ...(expires === '' ? {} : parseExpiry(expires)),
    ...(models === '' ? {} : { models: listIn(models) }),
    ...limitsIn(limits),
  }),
  uniqueIn: (body) => [nameOf(body)],
  known: async (cli, team) => {
    const users = await cli.rows(adminPath('teams', team, 'users'));
    const tokens = await cli.rows(adminPath('teams', team, 'tokens'));
    const ids = new Set(users.map(({ id }) => id));
    const names = new Set(tokens.filter(isWorking).map(nameOf));
    return {
      has: (body) => names.has(nameOf(body)),
      problemOf: ({ user }) =>
        ids.has(user) ? null : `there is no user ${plain(user)} in the team ${plain(team)}`,
    };
  },
  printed: ['user', 'name', 'id', 'claim_url', 'claim_expires_at'],
  note: ([first]) => {
    const isPath = plain(first?.['claim_url']).startsWith('/');
    const whole = isPath ? "Put your gateway's address before each link. " : '';
    return `${whole}Each link shows its token once, within an hour, to whoever opens it first.`;
  },
};

/** A working token stands for a row of the same user and name. */
function nameOf({ user, name }: JsonObject): string {
  return typeof name === 'string' ? `${plain(user)} (${name})` : plain(user);
}

function isWorking({ revoked_at: revoked, expires_at: expires }: JsonObject): boolean {
  return revoked === null && (typeof expires !== 'string' || Date.parse(expires) > systemClock.now());
}

/** The fields that are not empty. */
function given(fields: CsvRow['fields']): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).filter(([, text]) => text !== ''));
}

/** `tokens/day=1000; concurrency=5`: a comma may be part of a limit. */
function limitsIn(text: string): JsonObject {
  return text === '' ? {} : { limits: listIn(text).map((each) => ({ ...parseLimit(each) })) };
}

function listIn(text: string): string[] {
  return text.split(/[;\s]+/).filter((each) => each !== '');
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
