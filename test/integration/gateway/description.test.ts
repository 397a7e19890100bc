import { hostname, userInfo } from 'node:os';
import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adminRoutes } from '../../../src/admin/admin-app.ts';
import { eventNames } from '../../../src/base/event.ts';
import { methods } from '../../../src/base/operation-docs.ts';
import { errorTable } from '../../../src/base/refusal.ts';
import type { OpenApiDocument } from '../../../src/operations/openapi/document.ts';
import { endpointPaths, endpoints } from '../../../src/validation/registry.ts';
import { DocumentedApi } from '../../support/described-api.ts';
import { type IssuedToken, startGateway, type TestGateway } from '../../support/gateway.ts';
import { type OidcIssuer, startIssuer } from '../../support/oidc-issuer.ts';
import { waitFor } from '../../support/wait-for.ts';
import { Harness } from '../admin/harness.ts';
import { sharedPostgres } from '../../support/postgres-server.ts';
import { trustedIssuer } from '../../unit/sign-in/trusted.ts';

let issuer: OidcIssuer;
let gateway: TestGateway;
let text: string;
let api: DocumentedApi;

beforeAll(async () => {
  issuer = await startIssuer();
  const team = { kind: 'fixed', team: 'acme' } as const;
  gateway = await startGateway({
    standIn: { listsModels: false },
    env: { DATABASE_URL: await sharedPostgres() },
    issuers: [trustedIssuer({ issuer: issuer.url, audiences: ['the-app'], users: 'create', team })],
  });
  const answer = await fetch(`${gateway.url}/openapi.json`);
  expect(answer.headers.get('content-type')).toBe('application/json');
  text = await answer.text();
  api = new DocumentedApi(JSON.parse(text) as OpenApiDocument);
});
afterAll(async () => {
  await gateway.close();
  await issuer.close();
});

describe('GET /openapi.json', () => {
  it('is valid OpenAPI 3.1', async () => {
    const validator = new Validator();
    const { valid, errors } = await validator.validate(JSON.parse(text));
    expect(errors).toBeUndefined();
    expect(valid).toBe(true);
    expect(validator.version).toBe('3.1');
  });

  it('has every path that is served and no other', () => {
    const served = gateway.routes.map(({ path }) => path.replaceAll(/:(\w+)(?:\{[^}]*\})?/g, '{$1}'));
    // A path with * is for preflights, the log, and what does not exist; the console and files are for pages.
    const isForPages = /^\/(?:console(?:\/|$)|docs\/assets\/)/;
    const paths = new Set(served.filter((path) => !path.includes('*') && !isForPages.test(path)));
    expect(Object.keys(api.document.paths).toSorted()).toEqual([...paths].toSorted());
  });

  it('has every operation of the admin API', () => {
    const operations = adminRoutes(new Harness().deps()).flatMap((route) =>
      Object.keys(route.methods).map(
        (method) => `${method} ${route.path.replaceAll(/:(\w+)(?:\{[^}]*\})?/g, '{$1}')}`,
      ),
    );
    expect(api.operations).toEqual(expect.arrayContaining(operations));
  });

  it('has every method that a path has and no other: others are a 405 that names those', async () => {
    for (const [path, item] of Object.entries(api.document.paths)) {
      for (const method of [...methods, 'PUT']) {
        if (method.toLowerCase() in item) continue;
        const answer = await ask(method, path.replaceAll(/\{\w+\}/g, 'x'), { token: gateway.adminKey });
        expect([method, path, answer.status]).toEqual([method, path, 405]);
        const allowed = answer.headers.get('allow')?.split(', ').toSorted();
        expect(allowed).toEqual(
          Object.keys(item)
            .flatMap((each) => (each === 'get' ? ['GET', 'HEAD'] : [each.toUpperCase()]))
            .toSorted(),
        );
      }
    }
  });

  it('has every error code, and for each but 405 and 426 the operations that may answer it', () => {
    const codes = new Set(api.operations.flatMap((name) => api.codesOf(name)));
    const ofNoOperation = new Set(['method_not_allowed', 'upgrade_required']);
    for (const code of Object.keys(errorTable)) {
      expect([code, codes.has(code)]).toEqual([code, !ofNoOperation.has(code)]);
    }
    expect(api.document.components.schemas['ErrorCode']?.enum).toEqual(Object.keys(errorTable));
  });

  it('names every operation once, in a group that there is', () => {
    const operations = api.operations.map((name) => api.operation(name));
    const ids = operations.map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    const groups = new Set(api.document.tags.map(({ name }) => name));
    for (const { tags } of operations) expect(tags.filter((tag) => !groups.has(tag))).toEqual([]);
  });

  it('says how every stream comes', () => {
    for (const { path, docs } of endpoints) {
      const answer = api.operation(`POST ${path}`).responses['200'];
      const types = answer !== undefined && 'content' in answer ? Object.keys(answer.content ?? {}) : [];
      expect(types.includes('text/event-stream')).toBe(docs.streams);
    }
  });

  it('has an example for every parameter and body, valid by its schema', () => {
    expect(api.badExamples).toEqual([]);
  });

  it('has what receivers get, for each type of event, with an example', () => {
    expect(Object.keys(api.document.webhooks)).toEqual(eventNames);
    expect(api.badEvents).toEqual([]);
  });

  it('has an example of every answer, valid by its schema and with no other fields', () => {
    expect(api.badAnswers).toEqual([]);
  });

  it('has examples that the gateway takes', async () => {
    for (const [path, { get }] of Object.entries(api.document.paths)) {
      if (get === undefined) continue;
      const examples = (get.parameters ?? []).map(({ in: at, name, example = '' }) => ({
        at,
        name,
        example,
      }));
      const called = examples.reduce((all, { name, example }) => all.replace(`{${name}}`, example), path);
      const query = new URLSearchParams();
      for (const { at, name, example } of examples) if (at === 'query') query.set(name, example);
      const answer = await ask('GET', `${called}?${query.toString()}`, { token: gateway.adminKey });
      await answer.body?.cancel();
      expect([path, answer.status]).not.toEqual([path, 400]);
    }
  });

  it('has exactly the query parameters that an operation takes: others, and those given twice, are refused', async () => {
    const { text: user } = await gateway.issue();
    const ofQuery = (name: string): string[] =>
      (api.operation(name).parameters ?? []).flatMap((each) => (each.in === 'query' ? [each.name] : []));
    const names = [...new Set(api.operations.flatMap(ofQuery)), 'dry_run', 'toString', 'x'.repeat(90)];
    const paths = Object.entries(api.document.paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => [method.toUpperCase(), path] as const),
    );
    await Promise.all(
      paths.map(async ([method, path]) => {
        // Forwarded, or called by SDKs, monitors and mail programs with parameters of theirs.
        const ignores =
          /^\/(v1\/(?!me(?:\/|$)|sessions)|oauth|claim|leaks|available|openapi|docs|healthz|readyz|$)/.test(
            path,
          );
        const token = path.startsWith('/v1/') ? user : gateway.adminKey;
        const known = ofQuery(`${method} ${path}`);
        for (const name of ignores ? [] : names) {
          const called = `${path.replaceAll(/\{\w+\}/g, 'x')}?${name}=a&${name}=b`;
          const answer = await ask(method, called, { token });
          const { error } = (await answer.json()) as { error: { message: string; param: string } };
          const problem = known.includes(name) ? /given more than once/ : /is not a query parameter/;
          expect([method, path, answer.status, error.message]).toEqual([
            method,
            path,
            400,
            expect.stringMatching(problem),
          ]);
          expect(name.startsWith(error.param.replace('…', ''))).toBe(true);
          if (!known.includes(name)) for (const each of known) expect(error.message).toContain(each);
        }
      }),
    );
    const bad = await ask('GET', '/v1/me?x=1', {});
    expect(bad.status).toBe(401);
  });

  it('says that an error of the upstream may keep its status', () => {
    for (const { path } of endpoints) {
      const { responses } = api.operation(`POST ${path}`);
      const statuses = Object.keys(responses).filter((status) => /^4(?!01|03|29)/.test(status));
      expect(statuses).toEqual(expect.arrayContaining(['400', '404', '408', '413', '4XX']));
      for (const status of statuses) {
        expect([path, status, api.codesOf(`POST ${path}`, status)]).toEqual([
          path,
          status,
          expect.arrayContaining(['upstream_error']),
        ]);
      }
    }
  });

  it('comes with an ETag, and not again to those who have it', async () => {
    const first = await fetch(`${gateway.url}/openapi.json`);
    const etag = first.headers.get('etag') ?? '';
    expect(etag).toMatch(/^"[\w-]{22}"$/);
    for (const has of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const again = await fetch(`${gateway.url}/openapi.json`, { headers: { 'if-none-match': has } });
      expect([has, again.status, await again.text()]).toEqual([has, 304, '']);
      expect(again.headers.get('etag')).toBe(etag);
    }
    const other = await fetch(`${gateway.url}/openapi.json`, { headers: { 'if-none-match': '"other"' } });
    expect(other.status).toBe(200);
  });

  it('can be read by a page of any site', async () => {
    const origin = { origin: 'https://editor.example' };
    const read = await fetch(`${gateway.url}/openapi.json`, { headers: origin });
    expect(read.headers.get('access-control-allow-origin')).toBe('*');
    const asked = { ...origin, 'access-control-request-method': 'GET' };
    const preflight = await fetch(`${gateway.url}/openapi.json`, { method: 'OPTIONS', headers: asked });
    expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([204, '*']);
  });

  it('tells no secret and nothing of the machine', () => {
    const secrets = [
      gateway.adminKey,
      gateway.upstream.key,
      gateway.upstream.url,
      gateway.url,
      `:${gateway.port}`,
    ];
    const machine = [process.cwd(), hostname(), userInfo().homedir];
    for (const told of [...secrets, ...machine]) {
      expect(text.includes(told)).toBe(false);
    }
  });
});

interface Sent {
  token?: string;
  body?: unknown;
  headers?: Record<string, string>;
}

async function ask(
  method: string,
  path: string,
  { token, body, headers = {} }: Sent = {},
): Promise<Response> {
  return fetch(`${gateway.url}${path}`, {
    method,
    headers: { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...headers },
    ...(body === undefined ? {} : { body: body instanceof URLSearchParams ? body : JSON.stringify(body) }),
  });
}

/** Operations that were answered as they are described, by status. */
const seen = new Set<string>();

/** Asks, and holds what was sent and what came back against the description; gives the answer's body. */
async function asDescribed(
  status: number,
  method: string,
  path: string,
  sent: Sent = {},
): Promise<Record<string, unknown>> {
  const [name, answer] = [api.operationFor(method, path.split('?')[0] ?? ''), await ask(method, path, sent)];
  const mediaType = (answer.headers.get('content-type') ?? '').split(';')[0] ?? '';
  const raw = await answer.text();
  const body: unknown = mediaType === 'application/json' ? JSON.parse(raw) : raw;
  expect([name, answer.status, status >= 400 ? '' : raw.slice(0, 300)]).toEqual([
    name,
    status,
    status >= 400 ? '' : raw.slice(0, 300),
  ]);
  expect([
    name,
    status,
    api.problemWith(name, { status, mediaType: raw === '' ? '' : mediaType, body }),
  ]).toEqual([name, status, null]);
  const isJson = sent.body !== undefined && !(sent.body instanceof URLSearchParams);
  if (isJson && status < 400) expect([name, api.takes(name, sent.body)]).toEqual([name, true]);
  seen.add(`${name} ${status < 400 ? 'done' : status}`);
  return body as Record<string, unknown>;
}

describe('what the gateway answers', () => {
  const limits = [
    { metric: 'requests', window: 'day', max: 1_000 },
    { metric: 'cost_usd', window: 'month', max: 12.5, models: ['claude-3-5-haiku'] },
    { metric: 'concurrency', max: 10 },
  ];
  const team = '/admin/teams/acme';

  function asRoot(
    status: number,
    method: string,
    path: string,
    body?: unknown,
  ): Promise<Record<string, unknown>> {
    return asDescribed(status, method, path, { token: gateway.adminKey, body });
  }

  async function issued(more: object = {}): Promise<IssuedToken> {
    const { id, token } = await asRoot(201, 'POST', `${team}/tokens`, { user: 'ana', ...more });
    return { id: String(id), text: String(token), team: 'acme', user: 'ana' };
  }

  async function raisedAndWithdrawn(of: string): Promise<void> {
    const { limits: told } = (await asRoot(200, 'GET', of)) as { limits: { id: string }[] };
    const until = new Date(Date.now() + 3_600_000).toISOString();
    const at = `${of}/limits/${told[1]?.id ?? ''}/raise`;
    await asRoot(400, 'POST', at, { by: 0, until });
    const { id } = await asRoot(201, 'POST', at, { by: 0.5, until });
    await asRoot(200, 'GET', `${of}?usage=true`);
    await asRoot(204, 'DELETE', `${of}/raises/${String(id)}`);
    await asRoot(404, 'DELETE', `${of}/raises/${String(id)}`);
  }

  beforeAll(async () => {
    await asRoot(201, 'POST', '/admin/teams', { id: 'acme', name: 'Acme', limits });
    await asRoot(201, 'POST', `${team}/users`, { id: 'ana', email: 'ana@example.com', limits });
  });

  it('is as described: teams and users', async () => {
    await asRoot(409, 'POST', '/admin/teams', { id: 'acme' });
    await asRoot(400, 'POST', '/admin/teams', { id: 'No slug', more: 1, limits: [{}] });
    await asRoot(200, 'GET', '/admin/teams');
    await asRoot(200, 'GET', '/admin/teams?limit=1');
    await asRoot(400, 'GET', '/admin/teams?limit=0');
    await asRoot(200, 'GET', team);
    await asRoot(200, 'GET', `${team}?usage=true`);
    await asRoot(400, 'GET', `${team}?usage=yes`);
    await asRoot(200, 'PATCH', team, { models: null });
    await asRoot(200, 'POST', `${team}/suspend`);
    await asRoot(200, 'POST', `${team}/resume`);
    await asRoot(200, 'PATCH', team, { end_user_limits: [{ metric: 'requests', window: 'day', max: 9 }] });
    await asRoot(200, 'GET', `${team}/end-users`);
    await asRoot(200, 'POST', `${team}/end-users/visitor-7/suspend`);
    await asRoot(200, 'GET', `${team}/end-users`);
    await asRoot(200, 'GET', `${team}/end-users/visitor-7`);
    await asRoot(200, 'POST', `${team}/end-users/visitor-7/resume`);
    await asRoot(200, 'PATCH', team, { end_user_limits: null });
    await asRoot(200, 'GET', `${team}/users`);
    await asRoot(200, 'GET', `${team}/users?q=an&sort=-created_at`);
    await asRoot(200, 'GET', `${team}/users/ana?usage=true`);
    await asRoot(200, 'PATCH', `${team}/users/ana`, { name: 'Ana' });
    await asRoot(200, 'POST', `${team}/users/ana/suspend`);
    await asRoot(200, 'POST', `${team}/users/ana/resume`);
    await asRoot(201, 'POST', `${team}/users`, { id: 'bob' });
    await asRoot(204, 'DELETE', `${team}/users/bob`);
    await asRoot(404, 'GET', `${team}/users/bob`);
    for (const of of [team, `${team}/users/ana`]) await raisedAndWithdrawn(of);
    await asRoot(201, 'POST', '/admin/teams', { id: 'gone' });
    await asRoot(204, 'DELETE', '/admin/teams/gone');
  });

  it('is as described: tokens, and handing them over', async () => {
    await asRoot(200, 'PATCH', team, { tools: ['t'] });
    const { id } = await issued({ limits, expires_in: 60, endpoints: ['/v1/embeddings'], tools: ['t'] });
    const at = `${team}/tokens/${id}`;
    await asRoot(200, 'GET', `${team}/tokens`);
    await asRoot(200, 'GET', `${team}/tokens?sort=last_used`);
    await asRoot(200, 'GET', '/admin/tokens?state=working&expires_within=60');
    await asRoot(400, 'GET', '/admin/tokens?state=idle');
    await asRoot(200, 'DELETE', `${team}/tokens?ended_before=2026-01-01`);
    await asRoot(400, 'DELETE', `${team}/tokens`);
    await asRoot(200, 'GET', at);
    await asRoot(200, 'GET', `${at}?usage=true`);
    await asRoot(200, 'PATCH', at, { name: 'laptop', origins: ['https://app.example.com'] });
    await raisedAndWithdrawn(at);
    await asRoot(200, 'POST', `${at}/rotate`);
    const { claim_url: url } = await asRoot(200, 'POST', `${at}/rotate`, { overlap_seconds: 5, claim: true });
    const { pathname } = new URL(String(url));
    await asDescribed(200, 'GET', pathname);
    await asDescribed(200, 'GET', pathname, { headers: { accept: 'text/html' } });
    await asDescribed(200, 'POST', pathname);
    await asDescribed(410, 'POST', pathname);
    await asDescribed(404, 'GET', '/claim/nothing');
    const { token } = await asRoot(200, 'POST', `${at}/rotate`);
    const found = [{ token, type: 'tollgate_token', url: '', source: 'commit' }, { token: 'x' }];
    await asDescribed(200, 'POST', '/leaks', { body: found });
    await asDescribed(200, 'POST', '/leaks', { body: { token: 'x' } });
    await asDescribed(400, 'POST', '/leaks', { body: {} });
    await asRoot(200, 'GET', at);
    await asRoot(204, 'DELETE', at);
    await asRoot(412, 'PATCH', at, { name: 'late' });
  });

  it('is as described: settings, administrators, export and import', async () => {
    await asRoot(200, 'GET', '/admin/settings');
    await asRoot(200, 'GET', '/admin/issuers');
    await asRoot(201, 'POST', '/admin/console-links');
    await asRoot(200, 'PATCH', '/admin/settings', { limits, defaults: { token: { limits } } });
    await asRoot(200, 'GET', '/admin/settings?usage=true');
    await asRoot(200, 'PATCH', '/admin/settings', { limits: null, defaults: null });
    const prices = '/admin/prices/claude-4-5-haiku';
    const price = { usd_per_million_input_tokens: 1, usd_per_million_output_tokens: 5 };
    await asRoot(200, 'PUT', prices, { prices: [price, { from: '2099-01-01', ...price }] });
    await asRoot(400, 'PUT', prices, { prices: [{}] });
    await asRoot(200, 'GET', '/admin/prices');
    await asRoot(200, 'GET', prices);
    await asRoot(404, 'GET', '/admin/prices/nobody');
    await asRoot(204, 'DELETE', prices);
    const { id, token } = await asRoot(201, 'POST', '/admin/admins', { role: 'team-admin', teams: ['acme'] });
    await asRoot(200, 'GET', '/admin/admins');
    await asRoot(200, 'GET', '/admin/admins?limit=1');
    await asRoot(200, 'GET', `/admin/admins/${String(id)}`);
    await asDescribed(403, 'GET', '/admin/admins', { token: String(token) });
    await asRoot(204, 'DELETE', `/admin/admins/${String(id)}`);
    await asDescribed(401, 'GET', '/admin/teams', { token: String(token) });
    const document = await asRoot(200, 'GET', '/admin/export?team=acme');
    await asRoot(200, 'POST', '/admin/import?overwrite=true', document);
    await asRoot(400, 'POST', '/admin/import', { tollgate_export: 2 });
  });

  it.each([team, '/admin'])('is as described: the webhooks under %s', async (owner) => {
    const list = `${owner}/webhooks`;
    const made = await asRoot(201, 'POST', list, { url: 'https://hooks.example.com/a', name: 'Pager' });
    const at = `${list}/${String(made['id'])}`;
    await asRoot(201, 'POST', list, { url: 'https://hooks.slack.com/services/a' });
    await asRoot(400, 'POST', list, { url: 'http://hooks.example.com', events: ['nothing'] });
    await asRoot(200, 'GET', list);
    await asRoot(200, 'GET', at);
    await asRoot(200, 'PATCH', at, { url: 'https://hooks.invalid/b', events: ['token.leaked'] });
    await asRoot(200, 'POST', `${at}/rotate`, { overlap_seconds: 5 });
    await asRoot(200, 'POST', `${at}/enable`);
    await asRoot(200, 'POST', `${at}/test`);
    await asRoot(200, 'GET', `${at}/deliveries?limit=5`);
    await asRoot(400, 'GET', `${at}/deliveries?limit=1000`);
    await asRoot(204, 'DELETE', at);
    await asRoot(404, 'POST', `${at}/test`);
  });

  it('is as described: requests that are sent on, and those that are not', async () => {
    const all = { endpoints: [...endpointPaths] };
    const { text: token } = await issued({
      ...all,
      limits: [{ metric: 'requests', window: 'day', max: 100 }],
    });
    const narrow = await issued({
      ...all,
      models: ['another'],
      limits: [{ metric: 'requests', window: 'day', max: 0 }],
    });
    for (const { path, minimalBody: body, docs } of endpoints) {
      await asDescribed(200, 'POST', path, { token, body });
      if (docs.streams) await asDescribed(200, 'POST', path, { token, body: { ...body, stream: true } });
      await asDescribed(400, 'POST', path, { token, body: { model: 5 } });
      await asDescribed(401, 'POST', path, { body });
      await asDescribed(403, 'POST', path, { token: narrow.text, body });
      await asDescribed(429, 'POST', path, { token: narrow.text, body: { ...body, model: 'another' } });
    }
  });

  it('is as described: a count of tokens', async () => {
    const { text: token } = await issued({ models: ['m'] });
    const bodies = {
      '/v1/messages/count_tokens': { model: 'm', messages: [{ role: 'user', content: 'Hello' }] },
      '/v1/responses/input_tokens': { model: 'm', input: 'Hello' },
    };
    for (const [path, body] of Object.entries(bodies)) {
      await asDescribed(200, 'POST', path, { token, body });
      await asDescribed(400, 'POST', path, { token, body: { model: 'm' } });
      await asDescribed(401, 'POST', path, { body });
      await asDescribed(403, 'POST', path, { token, body: { ...body, model: 'other' } });
    }
  });

  it('is as described: what a token is told of itself, and sessions', async () => {
    const { text: token } = await issued({ limits });
    await asDescribed(200, 'GET', '/v1/models', { token });
    await asDescribed(200, 'GET', '/v1/models/nova-pro', { token });
    await asDescribed(404, 'GET', '/v1/models/nowhere', { token });
    await asDescribed(200, 'GET', '/available-models');
    await asDescribed(200, 'GET', '/available-models', { token });
    await asDescribed(401, 'GET', '/available-models', { token: 'wrong' });
    await asDescribed(200, 'GET', '/v1/mcp/servers', { token });
    await asDescribed(401, 'GET', '/v1/mcp/servers');
    await asDescribed(200, 'GET', '/v1/me', { token });
    await asDescribed(401, 'GET', '/v1/me');
    await asDescribed(200, 'GET', '/v1/me/usage?group_by=day,model', { token });
    await asDescribed(400, 'GET', '/v1/me/usage?from=never', { token });
    await asDescribed(200, 'GET', '/v1/me/requests', { token });
    await asDescribed(201, 'POST', '/v1/sessions', { token });
    const pinned = { endpoint: '/v1/chat/completions', model: 'm', allow: ['messages'] };
    const body = { expires_in: 60, limits, pinned, end_user: 'visitor' };
    const { token: session } = await asDescribed(201, 'POST', '/v1/sessions', { token, body });
    await asDescribed(400, 'POST', '/v1/sessions', { token, body: { expires_in: 1 } });
    await asDescribed(200, 'GET', '/v1/me', { token: String(session) });
    await asDescribed(403, 'POST', '/v1/me/rotate', { token: String(session) });
    await asDescribed(204, 'DELETE', '/v1/sessions', { token: String(session) });
    await asDescribed(204, 'DELETE', '/v1/sessions?all=true', { token });
    await asDescribed(400, 'DELETE', '/v1/sessions', { token });
    await asDescribed(200, 'POST', '/v1/me/rotate', { token, body: { overlap_seconds: 0 } });
  });

  it('is as described: signing in, in the words of OAuth', async () => {
    const form = {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
      subject_token: await issuer.sign({ aud: 'the-app', sub: 'somebody' }),
    };
    expect(api.takes('POST /oauth/token', form)).toBe(true);
    await asDescribed(200, 'POST', '/oauth/token', { body: new URLSearchParams(form) });
    const wrong = { ...form, grant_type: 'password' };
    expect(api.takes('POST /oauth/token', wrong)).toBe(false);
    await asDescribed(400, 'POST', '/oauth/token', { body: new URLSearchParams(wrong) });
  });

  it('is as described: reports in every format', async () => {
    for (const path of ['/admin/usage', '/admin/refusals', '/admin/requests', '/admin/audit']) {
      for (const format of ['json', 'csv', 'ndjson']) await asRoot(200, 'GET', `${path}?format=${format}`);
      await asRoot(400, 'GET', `${path}?unknown=1`);
      const headers = { accept: 'image/png' };
      await asDescribed(406, 'GET', path, { token: gateway.adminKey, headers });
    }
    await asRoot(200, 'GET', '/admin/usage?group_by=day,team,user,token,model,endpoint');
    await asRoot(200, 'GET', '/admin/refusals?group_by=day,team,user,token,endpoint,code');
    await asRoot(200, 'GET', '/admin/overview');
    await asRoot(200, 'GET', '/admin/overview?period=30d');
    await asRoot(400, 'GET', '/admin/overview?period=year');
    await asRoot(200, 'GET', '/admin/upstreams');
  });

  it('is as described: records', async () => {
    await waitFor(
      async () => (await ask('GET', '/admin/records/verify', { token: gateway.adminKey })).status === 200,
      {
        what: 'the tables of records',
        timeoutMs: 60_000,
      },
    );
    await asRoot(200, 'GET', '/admin/records');
    await asRoot(200, 'GET', '/admin/records/verify?from=2026-01-01&to=2026-01-31');
    await asRoot(400, 'GET', '/admin/records/verify?from=2026-01-01&to=2026-02-28');
    await asRoot(200, 'GET', '/admin/records/audit');
    await asRoot(200, 'GET', '/admin/audit/verify');
  });

  it('is as described: operations', async () => {
    for (const path of ['/', '/healthz', '/readyz', '/openapi.json', '/docs'])
      await asDescribed(200, 'GET', path);
    await asDescribed(200, 'GET', '/', { headers: { accept: 'text/html' } });
    await asRoot(200, 'GET', '/metrics');
    await asDescribed(401, 'GET', '/metrics');
  });

  it('was looked at above for every operation there is', () => {
    expect(api.operations.filter((name) => !seen.has(`${name} done`))).toEqual([]);
  });
});
