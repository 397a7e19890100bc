import { beforeEach, describe, expect, it } from 'vitest';
import { type Catalogue, loadCatalogue } from '../../../src/config/catalogue.ts';
import { mcpServersRoute } from '../../../src/data-plane/mcp-servers.ts';
import { meRoute } from '../../../src/data-plane/me-route.ts';
import { modelRoutes } from '../../../src/data-plane/model-routes.ts';
import type { Route } from '../../../src/edge/route.ts';
import type { Token } from '../../../src/identity/records/identity.ts';
import { Admission } from '../../../src/limits/admission.ts';
import { AdmissionStore } from '../../../src/limits/admission-store.ts';
import { ServedModels } from '../../../src/models/served-models.ts';
import type { Upstreams } from '../../../src/upstream/upstreams.ts';
import { testKeys } from '../../support/embedded-store.ts';
import { FrontDesk } from '../edge/front-desk.ts';
import { keptLog } from '../limits/unsteady-store.ts';
import { FakeUpstream } from '../upstream/fake-upstream.ts';

/* What a caller may know of itself and of what there is: routes of the data plane without sockets. */

let desk: FrontDesk;

async function open(policy: Partial<Token> = {}): Promise<void> {
  desk = await FrontDesk.open(policy);
}

const edge = () => ({ frontDoor: desk.frontDoor, answers: desk.answers });

beforeEach(() => open());

describe('GET /v1/me', () => {
  function route(): Route {
    const admission = new Admission({
      store: new AdmissionStore(desk.store, testKeys, { leaseMs: 20_000, maxEntries: 10, retentionDays: 2 }),
      process: 'p1',
      leaseMs: 20_000,
      timeoutMs: 1_000,
      clock: desk.clock,
      log: keptLog(),
    });
    return meRoute({ ...edge(), admission });
  }

  it('tells a token of itself, its user, its team and its limits', async () => {
    const limit = { id: 'l1', metric: 'requests', window: 'day', max: 9 } as const;
    await open({ models: ['nova-pro'], limits: [limit] });
    const { status, json } = await desk.ask(route());
    expect(status).toBe(200);
    expect(json).toMatchObject({
      token: { id: 'tok_1', models: ['nova-pro'] },
      user: { id: 'ana' },
      team: { id: 'acme' },
      limits: [{ scope: 'token', metric: 'requests', window: 'day', max: 9, used: 0, remaining: 9 }],
    });
  });

  it('is what the store says now, not what is cached', async () => {
    const me = route();
    await desk.ask(me);
    await desk.change({ name: 'renamed' });
    expect((await desk.ask(me)).json).toMatchObject({ token: { name: 'renamed' } });
  });

  it('is refused to a token that has been revoked', async () => {
    const me = route();
    await desk.ask(me);
    await desk.change({ revoked_at: '2026-01-31T00:00:00.000Z' });
    const { status, json } = await desk.ask(me);
    expect([status, json]).toMatchObject([401, { error: { code: 'revoked_token' } }]);
  });
});

describe('GET /v1/models', () => {
  const chat = 'claude-4-sonnet';
  const catalogue = catalogueHere();

  function routes(): Route[] {
    const upstreams = { models: [chat, 'nova-pro', 'org/own'], open: [], named: () => [] };
    // The list of models asks for no more of the upstreams.
    const served = new ServedModels({
      catalogue,
      upstreams: upstreams as unknown as Upstreams,
      listed: { at: () => undefined } as never,
    });
    return modelRoutes({ ...edge(), served });
  }

  async function ask(n: number, path?: string, headers = {}) {
    const route = routes()[n];
    if (!route) throw new TypeError('There is no such route.');
    return desk.ask(route, path === undefined ? { headers } : { path, headers });
  }

  const idsIn = (json: unknown): string[] => (json as { data: { id: string }[] }).data.map(({ id }) => id);

  it('lists what is served, less what the token may not use', async () => {
    expect(idsIn((await ask(0)).json)).toEqual([chat, 'nova-pro', 'org/own']);
    await open({ models: ['nova-pro'] });
    expect(idsIn((await ask(0)).json)).toEqual(['nova-pro']);
  });

  it.each([
    ['an id with a slash', '/v1/models/org/own', 200],
    ['the same, encoded', '/v1/models/org%2Fown', 200],
    ['an unknown id', '/v1/models/none', 404],
    ['half an encoding', '/v1/models/%E0%A4%A', 404],
  ])('reads one: %s', async (_, path, status) => {
    const reply = await ask(1, path);
    expect(reply.status).toBe(status);
    if (status === 200) expect(reply.json).toMatchObject({ id: 'org/own', object: 'model' });
  });

  it('does not read one that the token may not use, nor repeats what it was asked for', async () => {
    await open({ models: [chat] });
    const { status, json } = await ask(1, '/v1/models/nova-pro');
    expect(status).toBe(404);
    expect(JSON.stringify(json)).not.toContain('nova-pro');
  });

  it("tells anonymous callers of public models only, in Heroku's shape", async () => {
    const { json } = await ask(2, undefined, { authorization: undefined });
    expect((json as { model_id: string }[]).map(({ model_id: id }) => id)).toEqual([chat, 'nova-pro']);
    expect((await ask(2)).json).toHaveLength(3);
  });
});

describe('GET /v1/mcp/servers', () => {
  const servers = [
    { id: 'a', tools: [{ name: 'search', namespaced_name: 'a/search' }, { name: 'drop' }] },
    { id: 'b', tools: [{ name: 'deploy' }] },
  ];
  let upstream: FakeUpstream;
  let route: Route;

  const prepare = async (policy: Partial<Token> = {}): Promise<void> => {
    await open(policy);
    upstream = new FakeUpstream('a');
    route = mcpServersRoute({
      ...edge(),
      clock: desk.clock,
      upstreams: { toAsk: upstream } as unknown as Upstreams,
    });
  };
  /** Asks, and answers the request to the upstream if there is one. */
  async function ask(status = 200, body: unknown = servers) {
    const before = upstream.pool.requests.length;
    const reply = desk.ask(route);
    await new Promise(setImmediate);
    if (upstream.pool.requests.length > before) {
      upstream.pool.last.answer(status, { 'content-type': 'application/json' }, JSON.stringify(body));
    }
    return reply;
  }

  beforeEach(() => prepare());

  it.each([
    ['no list of tools: nothing', null, []],
    ['a tool by its name', ['drop'], ['a drop']],
    ['a tool by its name and namespace', ['a/search'], ['a search']],
    ['a tool in an app', ['deploy@my-app'], ['b deploy']],
    ['an empty list: nothing', [], []],
    ['a name that only begins so', ['deploy-all', 'dep'], []],
  ])('shows a token with %s', async (_, tools, shown) => {
    await prepare({ tools });
    const { json } = await ask();
    const list = json as { id: string; tools: { name: string }[] }[];
    expect(list.map(({ id, tools: of }) => [id, ...of.map(({ name }) => name)].join(' '))).toEqual(shown);
  });

  it('asks the upstream once for many callers, and again after 30 s', async () => {
    for (let n = 0; n < 3; n += 1) expect((await ask()).status).toBe(200);
    expect(upstream.pool.requests).toHaveLength(1);
    desk.nowMs += 30_000;
    expect((await ask()).status).toBe(200);
    expect(upstream.pool.requests).toHaveLength(2);
  });

  it('does not keep a failure', async () => {
    expect((await ask(503, { error: 'no' })).status).toBe(502);
    expect((await ask()).status).toBe(200);
    expect(upstream.pool.requests).toHaveLength(2);
  });
});

function catalogueHere(): Catalogue {
  const loaded = loadCatalogue(new URL('../../../config/models.json', import.meta.url).pathname);
  if (!loaded.ok) throw new Error(loaded.problems.join('\n'));
  return loaded.catalogue;
}
