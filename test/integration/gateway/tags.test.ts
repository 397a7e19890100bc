import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bodies, errorOf, get, paths, post, type Reply } from '../../support/gateway-client.ts';
import { type AdminReply, startGateway, type NewToken, type TestGateway } from '../../support/gateway.ts';
import { askSession, mintSession } from '../../support/sessions.ts';

const origin = 'https://app.example.com';
const team = { tag_keys: ['project', 'step'] };

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway({ env: { ALLOWED_ORIGINS: origin } });
});
afterAll(() => gateway.close());

function chat(token: string, tags?: string, headers: Record<string, string> = {}): Promise<Reply> {
  const sent = tags === undefined ? headers : { 'x-tollgate-tags': tags, ...headers };
  return post(`${gateway.url}${paths.chat}`, bodies.chat(), { token, headers: sent });
}

const codeOf = (reply: Reply): string =>
  reply.status < 400 ? String(reply.status) : `${reply.status} ${errorOf(reply).code}`;

describe('tags', () => {
  it('of a token and of a request are in the entry, and never sent on', async () => {
    const token = await gateway.issue({ team, tags: { project: 'x' }, request_tags: ['step'] });
    expect(codeOf(await chat(token.text))).toBe('200');
    expect(codeOf(await chat(token.text, 'step=2'))).toBe('200');
    const entries = await gateway.settled(token.team, 2);
    expect(entries.map(({ tags }) => tags)).toEqual([{ project: 'x' }, { project: 'x', step: '2' }]);
    expect(gateway.upstream.requests.at(-1)?.headers).not.toHaveProperty('x-tollgate-tags');

    const found = async (tag: string): Promise<unknown> =>
      (await gateway.admin('GET', `/admin/requests?team=${token.team}&tag=${tag}`)).body['data'];
    expect(await found('project=x')).toHaveLength(2);
    expect(await found('project=x,step=2')).toHaveLength(1);
    expect(await found('project=y')).toHaveLength(0);
    const csv = await get(`${gateway.url}/admin/requests?team=${token.team}&format=csv`, {
      token: gateway.adminKey,
    });
    expect(csv.text).toContain('"{""project"":""x"",""step"":""2""}"');
    expect((await get(`${gateway.url}/v1/me`, { token: token.text })).json['token']).toMatchObject({
      tags: { project: 'x' },
      request_tags: ['step'],
    });
  });

  it('that a token may not set are refused, and nothing is sent', async () => {
    const token = await gateway.issue({ team, tags: { project: 'x' } });
    const before = gateway.upstream.requests.length;
    const refused = await chat(token.text, 'project=y');
    expect(codeOf(refused)).toBe('403 tag_not_allowed');
    expect(errorOf(refused)).toMatchObject({ param: 'x-tollgate-tags' });
    expect(errorOf(refused).message).toContain('project');
    expect(codeOf(await chat(token.text, 'project'))).toBe('400 invalid_request');
    expect(gateway.upstream.requests).toHaveLength(before);
  });

  it.each<[string, NewToken]>([
    ['a tag', { team, tags: { customer: 'x' } }],
    ['a tag that requests may set', { team, request_tags: ['customer'] }],
    ['any tag if the team has none', { tags: { project: 'x' } }],
  ])('must be among those of the team: %s', async (_, wanted) => {
    await expect(gateway.issue(wanted)).rejects.toThrow(/--tag-key/);
  });

  it('of a session are within those of its token', async () => {
    const token = await gateway.issue({ team, tags: { project: 'x' }, request_tags: ['step'] });
    const asked = async (wanted: object): Promise<string> =>
      codeOf(await askSession(gateway.url, token.text, wanted));
    expect(await asked({ tags: { project: 'y' } })).toBe('403 tag_not_allowed');
    expect(await asked({ request_tags: ['project'] })).toBe('403 tag_not_allowed');
    expect(await asked({ tags: { step: '1', project: 'x' } })).toBe('201');
    const { token: page, ...made } = await mintSession(gateway.url, token.text, { tags: { step: '1' } });
    expect(made).toMatchObject({ tags: { step: '1' } });
    expect(codeOf(await chat(page, 'step=2', { origin }))).toBe('403 tag_not_allowed');
    expect(codeOf(await chat(page, undefined, { origin }))).toBe('200');
    const [entry] = await gateway.settled(token.team, 1);
    expect(entry?.tags).toEqual({ project: 'x', step: '1' });
  });

  it('may be sent by a page whose session allows it', async () => {
    const token = await gateway.issue({ team, request_tags: ['step'] });
    const { token: page } = await mintSession(gateway.url, token.text, { request_tags: ['step'] });
    const preflight = await fetch(`${gateway.url}${paths.chat}`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,x-tollgate-tags',
      },
    });
    expect(preflight.headers.get('access-control-allow-headers')).toContain('x-tollgate-tags');
    expect(codeOf(await chat(page, 'step=2', { origin }))).toBe('200');
    const [entry] = await gateway.settled(token.team, 1);
    expect(entry?.tags).toEqual({ step: '2' });
  });

  it('and end users group and filter usage, and the sums are the same', async () => {
    const token = await gateway.issue({ team, request_tags: ['project'] });
    const { token: page } = await mintSession(gateway.url, token.text, {
      end_user: 'visitor-1',
      tags: { project: 'x' },
    });
    await Promise.all([
      chat(token.text, 'project=x'),
      chat(token.text, 'project=y'),
      chat(token.text),
      chat(page, undefined, { origin }),
      chat(page, undefined, { origin }),
    ]);
    await gateway.settled(token.team, 5);
    const usage = async (query: string): Promise<AdminReply> =>
      gateway.admin('GET', `/admin/usage?team=${token.team}&${query}`);
    const byTag = await usage('group_by=tag:project');
    expect(byTag.body['data']).toMatchObject([
      { 'tag:project': null, requests: 1 },
      { 'tag:project': 'x', requests: 3 },
      { 'tag:project': 'y', requests: 1 },
    ]);
    expect((await usage('group_by=end_user,model&top=1')).body['data']).toMatchObject([
      { team: token.team, end_user: null, requests: 3 },
    ]);
    expect((await usage('tag=project=x&group_by=end_user')).body['data']).toMatchObject([
      { end_user: null, requests: 1 },
      { end_user: 'visitor-1', requests: 2 },
    ]);
    expect((await usage('end_user=visitor-1')).body['data']).toMatchObject([{ requests: 2 }]);
    expect((await usage('group_by=day&top=3')).status).toBe(400);
    expect((await usage('group_by=tag:Project')).status).toBe(400);
    const csv = await get(
      `${gateway.url}/admin/usage?team=${token.team}&group_by=tag:project,user&format=csv`,
      { token: gateway.adminKey },
    );
    expect(csv.text.split(',requests')[0]).toBe('team,user,tag:project');
  });

  it('may be named by a limit, which counts only requests that have them', async () => {
    const limit = { metric: 'requests', window: 'month', max: 1, tags: { step: 'a' } } as const;
    const token = await gateway.issue({ team: { ...team, limits: [limit] }, request_tags: ['step'] });
    expect(codeOf(await chat(token.text, 'step=b'))).toBe('200');
    expect(codeOf(await chat(token.text))).toBe('200');
    const first = await chat(token.text, 'step=a');
    expect(first.headers.get('ratelimit-policy')).toContain('@step=a');
    const refused = await chat(token.text, 'step=a');
    expect(codeOf(refused)).toBe('429 insufficient_quota');
    expect(errorOf(refused).message).toContain('with step=a');
    expect(codeOf(await chat(token.text, 'step=b'))).toBe('200');
    const me = await get(`${gateway.url}/v1/me`, { token: token.text });
    expect(me.json['limits']).toMatchObject([{ used: 1, remaining: 0, tags: { step: 'a' } }]);
  });

  it('are told by a limit on money: a model without a price is refused only where it counts', async () => {
    const limit = { metric: 'cost_usd', window: 'month', max: 5, tags: { step: 'a' } } as const;
    const token = await gateway.issue({ limits: [limit], team, request_tags: ['step'] });
    const send = (tags: string): Promise<Reply> =>
      post(`${gateway.url}${paths.chat}`, bodies.chat({ model: 'unpriced-model' }), {
        token: token.text,
        headers: { 'x-tollgate-tags': tags },
      });
    expect(codeOf(await send('step=a'))).toBe('403 model_unpriced');
    expect(codeOf(await send('step=b'))).not.toContain('model_unpriced');
  });
});
