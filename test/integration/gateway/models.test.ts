import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { respond } from '../../support/upstream-scripts.ts';
import { startStandIn, type StandIn } from '../../support/stand-in.ts';
import { models, startGateway, type TestGateway } from '../../support/gateway.ts';
import { bodies, errorOf, get, paths, post, type Reply } from '../../support/gateway-client.ts';
import { mintSession } from '../../support/sessions.ts';
import { patient, TurnedClock } from '../../support/turned-clock.ts';
import { waitFor } from '../../support/wait-for.ts';

const json = { 'content-type': 'application/json' };
const directory = mkdtempSync(join(tmpdir(), 'tollgate-models-'));
const closing: (() => Promise<void>)[] = [];
let upstream: StandIn;
let clock: TurnedClock;

beforeEach(async () => {
  upstream = await startStandIn();
  clock = new TurnedClock();
});

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  await upstream.close();
});

afterAll(() => rmSync(directory, { recursive: true }));

function list(...entries: [id: string, type: string][]): void {
  const value = entries.map(([id, type]) => ({ model_id: id, type: [type], regions: ['us'] }));
  upstream.scriptModels(respond(200, json, JSON.stringify(value)));
}

/** Ready once the upstream has told its models, or has refused to. */
async function start({
  catalogue = null,
  env = {},
}: { catalogue?: object | null; env?: Record<string, string> } = {}): Promise<TestGateway> {
  const file = join(directory, 'models.json');
  if (catalogue) writeFileSync(file, JSON.stringify(catalogue));
  const files: Record<string, string> = catalogue ? { MODELS_FILE: file } : {};
  const gateway = await startGateway({ upstream, clock, env: { ...patient, ...files, ...env } });
  closing.push(() => gateway.close());
  return gateway;
}

/** Waits until the gateway serves a model. */
async function serving(gateway: TestGateway, id: string): Promise<void> {
  const { text: token } = await gateway.issue();
  const listed = async (): Promise<boolean> => (await idsOf(gateway, token)).includes(id);
  await waitFor(listed, { what: `${id} to be served` });
}

async function idsOf(gateway: TestGateway, token: string): Promise<string[]> {
  const { json: body } = await get(`${gateway.url}/v1/models`, { token });
  return (body['data'] as { id: string }[]).map(({ id }) => id);
}

const chat = (gateway: TestGateway, token: string, more: object = {}): Promise<Reply> =>
  post(`${gateway.url}${paths.chat}`, bodies.chat(more), { token });
const modelsSent = (): unknown[] => upstream.requests.map(({ body }) => (body as { model: string }).model);

describe('discovery', () => {
  it('makes an attachment without a MODEL_ID serve what its upstream lists, and that alone', async () => {
    list(['brand-new', 'text-to-text'], ['vectors', 'text-to-embedding']);
    const gateway = await start();
    await serving(gateway, 'brand-new');
    const token = await gateway.issue();
    expect(await idsOf(gateway, token.text)).toEqual(['brand-new', 'vectors']);
    expect((await chat(gateway, token.text, { model: 'brand-new' })).status).toBe(200);
    const refused = await chat(gateway, token.text, { model: models.chat });
    expect([refused.status, errorOf(refused).code, errorOf(refused).param]).toEqual([
      404,
      'model_not_found',
      'model',
    ]);
    expect(modelsSent()).toEqual(['brand-new']);
  });

  it('asks once more for a model on no list, and at most every 30 s', async () => {
    list(['first', 'text-to-text']);
    const gateway = await start();
    await serving(gateway, 'first');
    const { text: token } = await gateway.issue();
    list(['first', 'text-to-text'], ['second', 'text-to-text']);
    expect((await chat(gateway, token, { model: 'second' })).status).toBe(404);
    clock.aheadMs += 31_000;
    const replies = await Promise.all([1, 2, 3].map(() => chat(gateway, token, { model: 'second' })));
    expect(replies.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect((await chat(gateway, token, { model: 'third' })).status).toBe(404);
    expect(upstream.modelsAsked).toBe(2);
  });

  it('lets any model go where the upstream lists none; the catalogue is what is shown then', async () => {
    upstream.scriptModels(respond(404));
    const gateway = await start({ catalogue: { models: { known: { kind: 'chat' } } } });
    const token = await gateway.issue({ models: ['known', 'named', 'other'] });
    expect((await chat(gateway, token.text, { model: 'other' })).status).toBe(200);
    expect(await idsOf(gateway, token.text)).toEqual(['known', 'named', 'other']);
    expect(await idsOf(gateway, (await gateway.issue()).text)).toEqual(['known']);
  });

  it('refuses a model at an endpoint it is certainly not for, naming the right one', async () => {
    list(['vectors', 'text-to-embedding'], ['odd', 'text-to-text'], ['new-kind', 'text-to-video']);
    const gateway = await start({ catalogue: { models: { odd: { kind: 'embeddings' } } } });
    await serving(gateway, 'vectors');
    const { text: token } = await gateway.issue();
    const refused = await chat(gateway, token, { model: 'vectors' });
    expect([refused.status, errorOf(refused).code, errorOf(refused).param]).toEqual([
      400,
      'invalid_body',
      'model',
    ]);
    expect(errorOf(refused).message).toContain('/v1/embeddings');
    // The catalogue and the list disagree, or nobody knows: that is for the upstream to say.
    expect((await chat(gateway, token, { model: 'odd' })).status).toBe(200);
    expect((await chat(gateway, token, { model: 'new-kind' })).status).toBe(200);
  });
});

describe('aliases', () => {
  const catalogue = {
    aliases: { fast: 'claude-4-5-haiku', gone: 'served-by-nobody' },
    models: {
      'claude-4-5-haiku': { kind: 'chat', max_tokens: 100, over_max: 'refuse' },
      'nova-pro': { kind: 'chat' },
    },
  };
  const hourly = { metric: 'requests', window: 'hour', max: 1 } as const;

  it('send, limit and enter in the ledger the model they stand for', async () => {
    const gateway = await start({ catalogue });
    const token = await gateway.issue({ limits: [{ ...hourly, models: ['fast'] }] });
    const reply = await chat(gateway, token.text, { model: 'fast' });
    expect(reply.status).toBe(200);
    expect(reply.json['model']).toBe('claude-4-5-haiku');
    expect(modelsSent()).toEqual(['claude-4-5-haiku']);
    const [entry] = await gateway.settled(token.team, 1);
    expect(entry?.model).toBe('claude-4-5-haiku');
    // The limit under the alias counts the model under either name; another model it does not.
    for (const model of ['fast', 'claude-4-5-haiku']) {
      expect((await chat(gateway, token.text, { model })).status).toBe(429);
    }
    expect((await chat(gateway, token.text, { model: 'nova-pro' })).status).toBe(200);
    const tooMuch = await chat(gateway, token.text, { model: 'fast', max_tokens: 101 });
    expect(errorOf(tooMuch).param).toBe('max_tokens');
  });

  it('count in a policy as the model they stand for, whichever of the two is asked for', async () => {
    const gateway = await start({ catalogue });
    const byAlias = await gateway.issue({ models: ['fast'] });
    const byId = await gateway.issue({ team: { models: ['fast'] }, models: ['claude-4-5-haiku'] });
    for (const { text } of [byAlias, byId]) {
      for (const model of ['fast', 'claude-4-5-haiku']) {
        expect((await chat(gateway, text, { model })).status).toBe(200);
      }
      expect((await chat(gateway, text, { model: 'nova-pro' })).status).toBe(403);
      expect(await idsOf(gateway, text)).toEqual(['claude-4-5-haiku', 'fast']);
    }
    const { body } = await gateway.admin('GET', `/admin/teams/${byAlias.team}/tokens/${byAlias.id}`);
    expect(body['models']).toEqual(['fast']);
  });

  it('can be pinned by a session, and be what a session is narrowed to', async () => {
    const gateway = await start({ catalogue });
    const token = await gateway.issue({ models: ['claude-4-5-haiku'] });
    const pinned = await mintSession(gateway.url, token.text, { pinned: { model: 'fast', max_tokens: 5 } });
    const narrowed = await mintSession(gateway.url, token.text, { models: ['fast'] });
    const messages = [{ role: 'user', content: 'Hello' }];
    for (const fields of [{}, { model: 'fast' }, { model: 'claude-4-5-haiku' }]) {
      const reply = await post(
        `${gateway.url}${paths.chat}`,
        { messages, ...fields },
        { token: pinned.token },
      );
      expect(reply.status).toBe(200);
    }
    expect((await chat(gateway, narrowed.token, { model: 'fast' })).status).toBe(200);
    expect(new Set(modelsSent())).toEqual(new Set(['claude-4-5-haiku']));
  });

  it('are listed with what they stand for, where that is served', async () => {
    const gateway = await start({ catalogue });
    await serving(gateway, 'nova-pro');
    const { text: token } = await gateway.issue({ models: ['fast'] });
    const { json: body } = await get(`${gateway.url}/v1/models`, { token });
    expect(body['data']).toEqual([
      { id: 'claude-4-5-haiku', object: 'model', created: 0, owned_by: 'heroku' },
      { id: 'fast', object: 'model', created: 0, owned_by: 'heroku', alias_of: 'claude-4-5-haiku' },
    ]);
    expect((await get(`${gateway.url}/v1/models/fast`, { token })).json['alias_of']).toBe('claude-4-5-haiku');
  });
});

describe('GET /v1/models/:id', () => {
  it('tells of one model, however its id is written', async () => {
    list(['plain', 'text-to-text'], ['vendor/model:1', 'text-to-text'], ['other', 'text-to-text']);
    const gateway = await start();
    await serving(gateway, 'plain');
    const { text: token } = await gateway.issue({ models: ['plain', 'vendor/model:1'] });
    const one = (path: string): Promise<Reply> => get(`${gateway.url}/v1/models/${path}`, { token });
    for (const path of ['vendor/model:1', 'vendor%2Fmodel%3A1', 'vendor/model%3a1']) {
      expect((await one(path)).json).toEqual({
        id: 'vendor/model:1',
        object: 'model',
        created: 0,
        owned_by: 'heroku',
      });
    }
    for (const path of ['other', 'nowhere', 'vendor', 'plain/', '%', '%ff', 'tgk_secret']) {
      const reply = await one(path);
      expect([path, reply.status, errorOf(reply).code]).toEqual([path, 404, 'model_not_found']);
      expect(reply.text).not.toContain('tgk_');
    }
    expect((await get(`${gateway.url}/v1/models/plain`)).status).toBe(401);
    const posted = await post(`${gateway.url}/v1/models/plain`, {}, { token });
    expect(posted.status).toBe(405);
    expect(posted.headers.get('allow')).toBe('GET, HEAD');
    expect(errorOf(posted).message).toBe('On /v1/models/plain only GET and HEAD are possible.');
  });
});

describe('GET /available-models', () => {
  const catalogue = { aliases: { fast: 'nova-pro' }, models: { 'nova-pro': { kind: 'chat' } } };
  const attached = (): Record<string, string> => ({
    INFERENCE_TEAL_URL: upstream.url,
    INFERENCE_TEAL_KEY: upstream.key,
    INFERENCE_TEAL_MODEL_ID: 'in-house-tuned',
  });
  const ids = (reply: Reply): string[] =>
    (JSON.parse(reply.text) as { model_id: string }[]).map((model) => model.model_id);

  it('gives anybody what is public, and nothing of attachments, aliases or policies', async () => {
    list(['nova-pro', 'text-to-text'], ['vectors', 'text-to-embedding']);
    const gateway = await start({ catalogue, env: attached() });
    await serving(gateway, 'vectors');
    const reply = await get(`${gateway.url}/available-models`);
    expect(JSON.parse(reply.text)).toEqual([
      { model_id: 'nova-pro', type: ['text-to-text'], regions: ['us'] },
      { model_id: 'vectors', type: ['text-to-embedding'], regions: ['us'] },
    ]);
  });

  it('gives a token what it may use, and a wrong one a 401, since clients try their key here', async () => {
    const gateway = await start({ catalogue, env: attached() });
    await serving(gateway, 'nova-pro');
    const { text: token } = await gateway.issue({ models: ['nova-pro', 'in-house-tuned'] });
    const url = `${gateway.url}/available-models`;
    expect(ids(await get(url, { token }))).toEqual(['fast', 'in-house-tuned', 'nova-pro']);
    expect(ids(await get(url, { headers: { 'x-api-key': token } }))).toHaveLength(3);
    for (const sent of [
      { token: 'inf-wrong' },
      { headers: { 'x-api-key': '' } },
      { headers: { authorization: '' } },
    ]) {
      expect((await get(url, sent)).status).toBe(401);
    }
    expect((await post(url, {}, { token })).status).toBe(405);
  });

  it('may be read by pages as /v1 may', async () => {
    const origin = 'https://app.example.com';
    const gateway = await start({ env: { ALLOWED_ORIGINS: origin } });
    const { text: token } = await gateway.issue();
    const url = `${gateway.url}/available-models`;
    const anonymous = await get(url, { headers: { origin } });
    expect(anonymous.headers.get('access-control-allow-origin')).toBe('*');
    const known = await get(url, { token, headers: { origin } });
    expect(known.headers.get('access-control-allow-origin')).toBe(origin);
    expect(known.headers.get('access-control-allow-credentials')).toBeNull();
    expect((await get(url, { token, headers: { origin: 'https://evil.example' } })).status).toBe(403);
    const preflight = await fetch(url, { method: 'OPTIONS', headers: { origin } });
    expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([204, '*']);
  });
});

describe('a model that refuses temperature beside top_p', () => {
  const catalogue = {
    models: {
      'claude-4-5-haiku': { kind: 'chat', one_of: ['temperature', 'top_p'] },
      'nova-pro': { kind: 'chat' },
    },
  };

  it('gets one of them, and others get both', async () => {
    const gateway = await start({ catalogue });
    const { text: token } = await gateway.issue();
    const both = { temperature: 1, top_p: 0.999 };
    for (const model of ['claude-4-5-haiku', 'nova-pro']) await chat(gateway, token, { model, ...both });
    const [mended, untouched] = upstream.requests.map(({ body }) => body as object);
    expect(mended).toMatchObject({ temperature: 1 });
    expect(mended).not.toHaveProperty('top_p');
    expect(untouched).toMatchObject(both);
    const refused = await chat(gateway, token, { model: 'claude-4-5-haiku', temperature: 0.2, top_p: 0.5 });
    expect([refused.status, errorOf(refused).param]).toEqual([400, 'temperature']);
  });
});
