import { beforeEach, describe, expect, it } from 'vitest';
import { adminRoutes } from '../../../src/admin/admin-app.ts';
import { callers, makeWorld, refusedWith, type Caller, type World } from './callers.ts';
import { Harness } from './harness.ts';
import { aRaise, raisedLimit } from './raised.ts';

/* Every operation of the admin API × every caller × the team asked for, against what is written down here. */

const teams = ['acme', 'beta', 'gone'] as const;
type TeamId = (typeof teams)[number];
type Allowed = (caller: Caller, team: TeamId) => boolean;

const root: Allowed = (caller) => caller === 'root';
const admins: Allowed = (caller) => caller === 'root' || caller === 'admin';
const runners: Allowed = (caller, team) => admins(caller, team) || caller === `team-admin of ${team}`;
const readers: Allowed = (caller, team) =>
  runners(caller, team) || caller === 'auditor of all' || caller === `auditor of ${team}`;
const overseers: Allowed = (caller, team) => admins(caller, team) || caller === 'auditor of all';
const everyAdministrator: Allowed = (caller) =>
  /^(?:root|admin|team-admin of .*|auditor of .*)$/.test(caller);

interface Expectation {
  allowed: Allowed;
  /** What the allowed get, where there is what they ask for. */
  status: number;
  body?: object;
  /** The team is asked for by a parameter. `figures`: an unknown one has none; `records`: it is a 404. */
  query?: 'figures' | 'records';
  /** The code of what the allowed get, if it is a refusal: here there are no records. */
  code?: string;
  /** Parameters that it needs. */
  parameters?: string;
  /** It finds everything as it would have it. */
  idle?: true;
}

const members = '/admin/teams/:team';
const nothingToImport = {
  tollgate_export: 1,
  exported_at: '2026-01-01T00:00:00.000Z',
  teams: [],
  users: [],
  tokens: [],
};
const price = { usd_per_million_input_tokens: 3, usd_per_million_output_tokens: 15 };
const expectations: Readonly<Record<string, Expectation>> = {
  'GET /admin/teams': { allowed: everyAdministrator, status: 200 },
  'POST /admin/teams': { allowed: admins, status: 201, body: { id: 'made' } },
  'GET /admin/teams/:team': { allowed: readers, status: 200 },
  'PATCH /admin/teams/:team': { allowed: admins, status: 200, body: { models: ['m'], limits: null } },
  'DELETE /admin/teams/:team': { allowed: admins, status: 204 },
  [`POST ${members}/suspend`]: { allowed: admins, status: 200 },
  [`POST ${members}/resume`]: { allowed: admins, status: 200, idle: true },
  [`GET ${members}/users`]: { allowed: readers, status: 200 },
  [`POST ${members}/limits/:limit/raise`]: { allowed: admins, status: 201, body: aRaise },
  [`DELETE ${members}/raises/:raise`]: { allowed: admins, status: 204 },
  [`POST ${members}/users`]: { allowed: runners, status: 201, body: { id: 'bob' } },
  [`GET ${members}/users/:user`]: { allowed: readers, status: 200 },
  [`PATCH ${members}/users/:user`]: { allowed: runners, status: 200, body: { name: 'Ana' } },
  [`DELETE ${members}/users/:user`]: { allowed: runners, status: 204 },
  [`POST ${members}/users/:user/suspend`]: { allowed: runners, status: 200 },
  [`POST ${members}/users/:user/resume`]: { allowed: runners, status: 200, idle: true },
  [`POST ${members}/users/:user/limits/:limit/raise`]: { allowed: runners, status: 201, body: aRaise },
  [`DELETE ${members}/users/:user/raises/:raise`]: { allowed: runners, status: 204 },
  [`GET ${members}/tokens`]: { allowed: readers, status: 200 },
  [`POST ${members}/tokens`]: { allowed: runners, status: 201, body: { user: 'ana' } },
  [`DELETE ${members}/tokens`]: {
    allowed: runners,
    status: 200,
    parameters: '?ended_before=2026-01-01',
    idle: true,
  },
  [`GET ${members}/tokens/:id`]: { allowed: readers, status: 200 },
  [`PATCH ${members}/tokens/:id`]: { allowed: runners, status: 200, body: { name: 'laptop' } },
  [`DELETE ${members}/tokens/:id`]: { allowed: runners, status: 204 },
  [`POST ${members}/tokens/:id/rotate`]: { allowed: runners, status: 200 },
  [`POST ${members}/tokens/:id/limits/:limit/raise`]: { allowed: runners, status: 201, body: aRaise },
  [`DELETE ${members}/tokens/:id/raises/:raise`]: { allowed: runners, status: 204 },
  [`GET ${members}/end-users`]: { allowed: readers, status: 200 },
  [`GET ${members}/end-users/:end_user`]: { allowed: readers, status: 200 },
  [`POST ${members}/end-users/:end_user/suspend`]: { allowed: runners, status: 200 },
  [`POST ${members}/end-users/:end_user/resume`]: { allowed: runners, status: 200, idle: true },
  ...webhookExpectations(`${members}/webhooks`, runners, readers),
  ...webhookExpectations('/admin/webhooks', admins, overseers),
  'GET /admin/tokens': { allowed: readers, status: 200, query: 'records' },
  'GET /admin/settings': { allowed: overseers, status: 200 },
  'PATCH /admin/settings': { allowed: admins, status: 200, body: { limits: [] } },
  'GET /admin/issuers': { allowed: overseers, status: 200 },
  'GET /admin/prices': { allowed: overseers, status: 200 },
  'GET /admin/prices/:model{.+}': { allowed: overseers, status: 200 },
  'PUT /admin/prices/:model{.+}': { allowed: admins, status: 200, body: { prices: [price] } },
  'DELETE /admin/prices/:model{.+}': { allowed: admins, status: 204 },
  'GET /admin/usage': { allowed: readers, status: 200, query: 'figures' },
  'GET /admin/requests': { allowed: readers, status: 200, query: 'figures' },
  'GET /admin/refusals': { allowed: readers, status: 200, query: 'figures' },
  'GET /admin/overview': { allowed: everyAdministrator, status: 200 },
  'GET /admin/upstreams': { allowed: overseers, status: 200 },
  'GET /admin/admins': { allowed: root, status: 200 },
  'POST /admin/admins': { allowed: root, status: 201, body: { role: 'auditor' } },
  'GET /admin/admins/:id': { allowed: root, status: 200 },
  'DELETE /admin/admins/:id': { allowed: root, status: 204 },
  'GET /admin/audit': { allowed: overseers, status: 200 },
  'GET /admin/audit/verify': { allowed: overseers, status: 200 },
  'GET /admin/records': { allowed: overseers, status: 200 },
  'GET /admin/records/verify': { allowed: overseers, status: 400, code: 'invalid_request' },
  'GET /admin/records/audit': { allowed: overseers, status: 200 },
  'GET /admin/export': { allowed: root, status: 200 },
  'POST /admin/import': { allowed: root, status: 200, body: nothingToImport, idle: true },
};

/** Of the webhooks of a team, or of the gateway. */
function webhookExpectations(
  path: string,
  changers: Allowed,
  readingThem: Allowed,
): Record<string, Expectation> {
  const body = { url: 'https://hooks.example.com/b' };
  return {
    [`GET ${path}`]: { allowed: readingThem, status: 200 },
    [`POST ${path}`]: { allowed: changers, status: 201, body },
    [`GET ${path}/:id`]: { allowed: readingThem, status: 200 },
    [`PATCH ${path}/:id`]: { allowed: changers, status: 200, body },
    [`DELETE ${path}/:id`]: { allowed: changers, status: 204 },
    [`POST ${path}/:id/rotate`]: { allowed: changers, status: 200 },
    [`POST ${path}/:id/enable`]: { allowed: changers, status: 200, idle: true },
    [`POST ${path}/:id/test`]: { allowed: changers, status: 200 },
    [`GET ${path}/:id/deliveries`]: { allowed: readingThem, status: 200 },
  };
}

/** The operations there are, from the tables the API is made of. */
const operations = adminRoutes(new Harness().deps()).flatMap(({ path, methods }) =>
  Object.keys(methods).map((method) => `${method} ${path}`),
);

function expectationOf(operation: string): Expectation {
  const expectation = expectations[operation];
  if (!expectation) throw new Error(`What is expected of ${operation}? Say who may do it, above.`);
  return expectation;
}

function idFor(pattern: string, team: TeamId, { administratorId, webhookIds, tokenIds }: World): string {
  if (pattern.startsWith('/admin/admins')) return administratorId;
  if (pattern.startsWith('/admin/webhooks')) return webhookIds['gateway'] ?? '';
  return (pattern.includes('/webhooks') ? webhookIds[team] : tokenIds[team]) ?? 'tok_1';
}

async function targetOf(
  operation: string,
  team: TeamId,
  world: World,
): Promise<{ method: string; path: string }> {
  const [method = '', pattern = ''] = operation.split(' ');
  const id = idFor(pattern, team, world);
  const path = pattern
    .replace(':team', team)
    .replace(':user', 'ana')
    .replace(':id', id)
    .replace(':model{.+}', 'chatty');
  const { query, parameters = '' } = expectationOf(operation);
  const [, record] = /^(.*)\/(?:limits|raises)\//.exec(path) ?? [];
  if (record !== undefined) {
    unchanged = null;
    const { limit, raise } = await raisedLimit(world.admin, record);
    return { method, path: path.replace(':limit', limit).replace(':raise', raise) };
  }
  return { method, path: query ? `${path}?team=${team}` : path + parameters };
}

/** What each caller is answered. */
type Outcomes = Record<string, string>;

let unchanged: World | null = null;

/** A world as it is made: the last one, if nothing has changed it. */
async function asMade(): Promise<World> {
  unchanged ??= await makeWorld();
  return unchanged;
}

async function outcomesOf(operation: string, team: TeamId): Promise<Outcomes> {
  const { body } = expectationOf(operation);
  const outcomes: Outcomes = {};
  let world = await asMade();
  for (const caller of callers) {
    const { method, path } = await targetOf(operation, team, world);
    const before = await world.state();
    const { status, code } = await world.ask(caller, method, path, body);
    const changed = (await world.state()) !== before;
    outcomes[caller] = `${status} ${code ?? (changed ? 'changed' : 'read')}`;
    if (status >= 400 && changed) outcomes[caller] += ', but changed';
    if (!changed) continue;
    unchanged = null;
    world = await asMade();
  }
  return outcomes;
}

function expectedOf(operation: string, team: TeamId): Outcomes {
  const { allowed, status, query, code: refused, idle = false } = expectationOf(operation);
  const isNamed = operation.includes(':team') || query === 'records';
  const found = team !== 'gone' || !isNamed;
  const done = `${status} ${refused ?? (operation.startsWith('GET') || idle ? 'read' : 'changed')}`;
  return Object.fromEntries(
    callers.map((caller): [string, string] => {
      if (allowed(caller, team)) return [caller, found ? done : '404 not_found'];
      const code = refusedWith(caller);
      return [caller, `${code === 'role_not_allowed' ? 403 : 401} ${code}`];
    }),
  );
}

describe('the table of who may do what', () => {
  it('has every operation of the API and no other', () => {
    expect(Object.keys(expectations).toSorted()).toEqual(operations.toSorted());
  });

  it('has whatever the API answers to', () => {
    const mounted = new Harness()
      .app()
      .routes.filter(({ method }) => method !== 'ALL')
      .map(({ method, path }) => `${method} ${path}`);
    expect([...new Set(mounted)].toSorted()).toEqual(operations.toSorted());
  });
});

describe.each(operations)('%s', (operation) => {
  const { query } = expectationOf(operation);
  const asked = operation.includes(':team') || query ? teams : (['acme'] as const);

  it.each(asked)('of %s is for those it is for', async (team) => {
    expect(await outcomesOf(operation, team)).toEqual(expectedOf(operation, team));
  });

  it('answers a limited role alike for a team that is there and one that is not', async () => {
    const world = await asMade();
    for (const caller of ['team-admin of acme', 'auditor of acme'] as const) {
      const answers = ['beta', 'gone'] as const;
      const [there, gone] = await Promise.all(
        answers.map(async (team) => {
          const { method, path } = await targetOf(operation, team, world);
          return world.ask(caller, method, path, expectationOf(operation).body);
        }),
      );
      expect(there).toEqual(gone);
    }
  });
});

describe('a limited role', () => {
  let world: World;

  beforeEach(async () => {
    world = await makeWorld();
  });

  const teamsShown = async (caller: Caller): Promise<string[]> => {
    const { text } = await world.ask(caller, 'GET', '/admin/teams');
    return (JSON.parse(text) as { data: { id: string }[] }).data.map(({ id }) => id);
  };

  it('is shown its own teams in the list of teams', async () => {
    expect(await teamsShown('root')).toEqual(['acme', 'beta']);
    expect(await teamsShown('admin')).toEqual(['acme', 'beta']);
    expect(await teamsShown('auditor of all')).toEqual(['acme', 'beta']);
    expect(await teamsShown('team-admin of acme')).toEqual(['acme']);
    expect(await teamsShown('auditor of beta')).toEqual(['beta']);
  });

  it('finds the tokens of its own teams only, and those lists in pages too', async () => {
    const found = async (caller: Caller, path: string): Promise<unknown[]> => {
      const { text } = await world.ask(caller, 'GET', path);
      return (JSON.parse(text) as { data: { team?: string; id: string }[] }).data.map(
        ({ team, id }) => team ?? id,
      );
    };
    for (const path of ['/admin/tokens', '/admin/tokens?state=working', '/admin/teams?limit=5']) {
      expect(await found('root', path)).toEqual(['acme', 'beta']);
      expect(await found('auditor of all', path)).toEqual(['acme', 'beta']);
      expect(await found('team-admin of acme', path)).toEqual(['acme']);
      expect(await found('auditor of beta', path)).toEqual(['beta']);
    }
    // Made from another team's position, it shows no more.
    const { text } = await world.ask('root', 'GET', '/admin/tokens?limit=1');
    const { next_cursor: cursor } = JSON.parse(text) as { next_cursor: string };
    expect(await found('auditor of acme', `/admin/tokens?cursor=${cursor}`)).toEqual([]);
    expect(await found('auditor of beta', `/admin/tokens?cursor=${cursor}`)).toEqual(['beta']);
    expect(await world.ask('auditor of acme', 'GET', '/admin/tokens?user=bob')).toMatchObject({
      status: 404,
    });
  });

  it('has its teams in every query of the ledger, whatever the parameters say', async () => {
    const { ledger } = world.admin;
    for (const parameters of ['', '?team=acme', '?user=ana', '?model=m&endpoint=/v1/embeddings']) {
      await world.ask('team-admin of acme', 'GET', `/admin/usage${parameters}`);
      await world.ask('auditor of acme', 'GET', `/admin/requests${parameters}`);
    }
    await world.ask('auditor of acme', 'GET', '/admin/usage?group_by=team,day');
    await world.ask('auditor of acme', 'GET', '/admin/requests?cursor=12-0');
    const asked = [...ledger.usageQueries, ...ledger.entryQueries];
    expect(asked.map(({ teams: of }) => of)).toEqual(asked.map(() => ['acme']));
    expect(asked).toHaveLength(10);

    await world.ask('auditor of all', 'GET', '/admin/usage');
    expect(ledger.usageQueries.at(-1)).not.toHaveProperty('teams');
  });

  it.each([
    '?team=beta',
    '?team=acme&team=beta',
    '?team=beta&team=acme',
    '?te%61m=beta',
    '?team=bet%61',
    '?team=acme%00beta',
    '?team=*',
    '?team=',
  ])('cannot widen a query by %s', async (parameters) => {
    for (const path of ['/admin/usage', '/admin/requests', '/admin/tokens']) {
      const { status, code } = await world.ask('auditor of acme', 'GET', path + parameters);
      expect([status, code]).toEqual([403, 'role_not_allowed']);
    }
    expect([...world.admin.ledger.usageQueries, ...world.admin.ledger.entryQueries]).toEqual([]);
  });

  it.each([
    '/admin/teams/bet%61',
    '/admin/teams/acme%2F..%2Fbeta',
    '/admin/teams/acme/../beta',
    '/admin/teams/BETA',
  ])('does not get around by %s', async (path) => {
    expect(await world.ask('team-admin of acme', 'GET', path)).toMatchObject({ status: 403 });
    expect(await world.ask('team-admin of acme', 'HEAD', path)).toMatchObject({ status: 403 });
  });

  it.each(['models', 'endpoints', 'origins', 'tools', 'limits'])(
    'does not set the %s of a team, and is told that they bound it',
    async (field) => {
      for (const [method, path] of [
        ['PATCH', '/admin/teams/acme'],
        ['POST', '/admin/teams'],
      ] as const) {
        const { status, text } = await world.ask('team-admin of acme', method, path, {
          id: 'x',
          [field]: [],
        });
        const { error } = JSON.parse(text) as { error: object };
        expect([status, error]).toMatchObject([403, { code: 'role_not_allowed', param: field }]);
      }
    },
  );

  it('is told what would be needed, and what it has', async () => {
    const told = async (caller: Caller, operation: string): Promise<unknown> => {
      const [method = '', path = ''] = operation.split(' ');
      const { text } = await world.ask(caller, method, path);
      return (JSON.parse(text) as { error: { message: string } }).error.message;
    };
    expect(await told('team-admin of acme', 'DELETE /admin/teams/acme')).toBe(
      'This needs the role admin; yours is team-admin of the team acme.',
    );
    expect(await told('admin', 'GET /admin/admins')).toBe(
      'This needs the administrator key (ADMIN_KEY) itself; yours is admin.',
    );
    expect(await told('auditor of all', 'POST /admin/teams/acme/users')).toBe(
      'This needs the role admin, or team-admin of the team; yours is auditor.',
    );
    expect(await told('auditor of acme', 'GET /admin/teams/beta')).toBe(
      "This administrator's token is for the team acme only.",
    );
    expect(await told('user token', 'GET /admin/teams')).toMatch(/^A user token cannot administer/);
  });
});
