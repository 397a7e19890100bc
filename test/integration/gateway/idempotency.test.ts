import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { doneFrame, messageFrame } from '../../../src/demo/frames.ts';
import { endpointKinds, type EndpointKind, endpointsByKind } from '../../../src/validation/registry.ts';
import { startGateway, type IssuedToken, type NewToken, type TestGateway } from '../../support/gateway.ts';
import {
  bodies,
  errorOf,
  get,
  open,
  paths,
  post,
  readStream,
  type Reply,
} from '../../support/gateway-client.ts';
import { sharedRedis, type SharedRedis } from '../../support/redis-server.ts';
import { mintSession } from '../../support/sessions.ts';
import type { Script } from '../../support/stand-in.ts';
import { hang, resetAfter, respond, streamFrames } from '../../support/upstream-scripts.ts';

/* Calls that are sent again with the same Idempotency-Key. */

const json = { 'content-type': 'application/json' };
const limits: NewToken['limits'] = [
  { metric: 'requests', window: 'day', max: 1_000 },
  { metric: 'tokens', window: 'month', max: 10_000_000 },
];

let redis: SharedRedis;
let gateway: TestGateway;
let other: TestGateway;

beforeAll(async () => {
  redis = await sharedRedis();
  gateway = await startGateway({ standIn: { listsModels: false }, redis });
  const { upstream, adminKey } = gateway;
  other = await startGateway({ upstream, adminKey, redis });
});
afterEach(() => gateway.upstream.script(null));
afterAll(async () => {
  await other.close();
  await gateway.close();
});

interface Ask {
  token: string;
  key?: string;
  kind?: EndpointKind;
  more?: object;
  at?: TestGateway;
}

const keyedHeaders = (key: string | undefined): Record<string, string> =>
  key === undefined ? {} : { 'idempotency-key': key };

function call({ token, key, kind = 'chat', more = {}, at = gateway }: Ask): Promise<Reply> {
  return post(`${at.url}${paths[kind]}`, bodies[kind](more), { token, headers: keyedHeaders(key) });
}

const stream = { stream: true };
const sent = (): number => gateway.upstream.requests.length;
const used = async (token: IssuedToken): Promise<number[]> => {
  const me = await get(`${gateway.url}/v1/me`, { token: token.text });
  return (me.json['limits'] as { used: number }[]).map((limit) => limit.used);
};

/** The first call, and once it is settled the same again. */
async function twice(asked: Ask & { token: string }, of: IssuedToken): Promise<[Reply, Reply]> {
  const original = await call(asked);
  await gateway.settled(of.team, 1);
  return [original, await call(asked)];
}

/** Answers the first request by this script, and the others as usual. */
function first(script: Script): Script {
  let asked = 0;
  return (req: IncomingMessage, res: ServerResponse, body) => {
    asked += 1;
    return asked === 1 ? script(req, res, body) : false;
  };
}

describe('a call with an Idempotency-Key', () => {
  const cases = endpointKinds.flatMap((kind) => [
    { kind, more: {} },
    ...(endpointsByKind[kind].docs.streams ? [{ kind, more: stream }] : []),
  ]);

  it.each(cases)('sent again gets the same bytes, for nothing ($kind, $more)', async ({ kind, more }) => {
    const { path, mustBeNamed } = endpointsByKind[kind];
    const token = await gateway.issue({ limits, ...(mustBeNamed ? { endpoints: [path] } : {}) });
    const before = sent();
    const key = randomUUID();
    const [original, replay] = await twice({ token: token.text, key, kind, more }, token);
    const spent = await used(token);
    const elsewhere = await call({ token: token.text, key: `"${key}"`, kind, more, at: other });
    for (const again of [replay, elsewhere]) {
      expect(again).toMatchObject({ status: original.status, bytes: original.bytes });
      expect(again.headers.get('content-type')).toBe(original.headers.get('content-type'));
      expect(again.headers.get('idempotency-replayed')).toBe('true');
      expect(again.headers.get('idempotency-attempts')).toContain(original.headers.get('x-request-id'));
      expect(again.headers.get('x-request-id')).not.toBe(original.headers.get('x-request-id'));
    }
    expect(original.status).toBe(200);
    expect(original.headers.get('idempotency-replayed')).toBeNull();
    expect(sent() - before).toBe(1);
    expect(await gateway.entries(token.team)).toHaveLength(1);
    expect(await used(token)).toEqual(spent);
    // The key stays here.
    expect(gateway.upstream.requests.at(-1)?.headers).not.toHaveProperty('idempotency-key');
  });

  it('is another one with another body, or at another path', async () => {
    const token = await gateway.issue();
    const key = randomUUID();
    await call({ token: token.text, key });
    const elsewhere = await call({ token: token.text, key, kind: 'messages' });
    for (const again of [await call({ token: token.text, key, more: { n: 2 } }), elsewhere]) {
      expect(again.status).toBe(422);
      expect(errorOf(again)).toMatchObject({ code: 'idempotency_key_reused', param: 'idempotency-key' });
    }
    const withKey = bodies.messages();
    expect((await post(`${gateway.url}${paths.messages}`, withKey, { token: token.text })).status).toBe(200);
  });

  it('is its own for each token and session', async () => {
    const token = await gateway.issue();
    const second = await gateway.issue({ team: { id: token.team } });
    const [a, b] = await Promise.all([1, 2].map(() => mintSession(gateway.url, token.text)));
    const before = sent();
    const callers = [token.text, second.text, a?.token ?? '', b?.token ?? ''];
    const replies = await Promise.all(callers.map((caller) => call({ token: caller, key: 'same' })));
    expect(replies.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(sent() - before).toBe(4);
  });

  it('that is malformed is refused, and so is a second header', async () => {
    const { text: token } = await gateway.issue();
    const bad = ['', '""', 'a b', '"a', 'a,b', '"a", "b"', 'x'.repeat(256), 'é', '"a";b=1'];
    const replies = await Promise.all(bad.map((key) => call({ token, key })));
    for (const reply of replies) {
      expect(reply.status).toBe(400);
      expect(errorOf(reply)).toMatchObject({ code: 'invalid_request', param: 'idempotency-key' });
    }
    const good = ['x'.repeat(255), '"a \\"quoted\\" one"', `stainless-node-retry-${randomUUID()}`, '1'];
    const taken = await Promise.all(good.map((key) => call({ token, key })));
    expect(taken.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  });

  it('waits for the answer of one that is running, there or in another process; a stream is told to ask again', async () => {
    const token = await gateway.issue();
    const answer = Promise.withResolvers<void>();
    gateway.upstream.script(async () => {
      await answer.promise;
      return false;
    });
    const before = sent();
    const [plain, streamed] = [
      { token: token.text, key: 'plain' },
      { token: token.text, key: 'stream', more: stream },
    ];
    const all = [call(plain)];
    const running = call(streamed);
    await gateway.upstream.waitFor(() => sent() - before === 2);
    all.push(call(plain), call({ ...plain, at: other }));
    const told = await call(streamed);
    expect(told).toMatchObject({ status: 409 });
    expect(told.headers.get('retry-after')).toBe('1');
    expect(errorOf(told)).toMatchObject({ code: 'in_progress', param: 'idempotency-key' });
    answer.resolve();
    const replies = await Promise.all(all);
    expect(new Set(replies.map(({ text }) => text)).size).toBe(1);
    expect(replies.map(({ headers }) => headers.get('idempotency-replayed'))).toEqual([null, 'true', 'true']);
    expect((await running).status).toBe(200);
    expect(sent() - before).toBe(2);
    expect(await gateway.settled(token.team, 2)).toHaveLength(2);
  });

  it('waits only so long', async () => {
    const { text: token } = await gateway.issue();
    const { upstream, adminKey } = gateway;
    const hurried = await startGateway({ upstream, adminKey, redis, env: { UPSTREAM_TIMEOUT_MS: '500' } });
    upstream.script(hang());
    const before = sent();
    const leaving = new AbortController();
    const running = open(`${other.url}${paths.chat}`, bodies.chat(), {
      token,
      headers: keyedHeaders('slow'),
      signal: leaving.signal,
    });
    await gateway.upstream.waitFor(() => sent() - before === 1);
    const waited = await call({ token, key: 'slow', at: hurried });
    expect(errorOf(waited)).toMatchObject({ code: 'in_progress' });
    leaving.abort();
    await expect(running).rejects.toThrow();
    await hurried.close();
  });

  it('that was refunded is free again, also for another body', async () => {
    const token = await gateway.issue({ limits });
    gateway.upstream.script(first(respond(401, json, '{"error":"no such key"}')));
    expect((await call({ token: token.text, key: 'k' })).status).toBe(502);
    await gateway.settled(token.team, 1);
    const again = await call({ token: token.text, key: 'k', more: { n: 2 } });
    expect(again.status).toBe(200);
    expect(again.headers.get('idempotency-attempts')).toBeNull();
  });

  it("keeps the upstream's error of the request, and tries again after one of the upstream", async () => {
    const token = await gateway.issue({ limits });
    gateway.upstream.script(first(respond(422, json, '{"error":{"code":422,"message":"No such voice."}}')));
    const [rejected, same] = await twice({ token: token.text, key: 'rejected' }, token);
    expect(rejected.status).toBe(422);
    expect(same).toMatchObject({ status: 422, bytes: rejected.bytes });
    expect(same.headers.get('idempotency-replayed')).toBe('true');

    gateway.upstream.script(respond(500, json, '{"error":"Failed to execute chat"}'));
    const failed = await call({ token: token.text, key: 'failed' });
    expect(failed.status).toBe(502);
    const [, entry] = await gateway.settled(token.team, 2);
    gateway.upstream.script(null);
    const again = await call({ token: token.text, key: 'failed' });
    expect(again.status).toBe(200);
    expect(again.headers.get('idempotency-attempts')).toBe(
      `"${entry?.request_id}";outcome=error;input_tokens=${entry?.input_tokens};output_tokens=0`,
    );
    await gateway.settled(token.team, 3);
    const replay = await call({ token: token.text, key: 'failed' });
    expect(replay.bytes).toEqual(again.bytes);
    expect(replay.headers.get('idempotency-attempts')?.split(', ')).toHaveLength(2);
  });

  it.each(['stream', 'plain'])(
    'whose caller left is tried again, and told what it cost (%s)',
    async (kind) => {
      const token = await gateway.issue({ limits });
      const word = messageFrame({ choices: [{ delta: { content: 'x'.repeat(40) } }] });
      gateway.upstream.script(first(kind === 'plain' ? hang() : streamFrames([word], { end: false })));
      const before = sent();
      const leaving = new AbortController();
      const more = kind === 'stream' ? stream : {};
      const left = open(`${gateway.url}${paths.chat}`, bodies.chat(more), {
        token: token.text,
        headers: keyedHeaders('left'),
        signal: leaving.signal,
      });
      if (kind === 'stream') await readStream(await left).until('xxx');
      else await gateway.upstream.waitFor(() => sent() - before === 1);
      leaving.abort();
      await left.catch(() => null);
      const [entry] = await gateway.settled(token.team, 1);
      const again = await call({ token: token.text, key: 'left', more });
      expect(again.status).toBe(200);
      expect(again.headers.get('idempotency-attempts')).toBe(
        `"${entry?.request_id}";outcome=aborted;input_tokens=${entry?.input_tokens};output_tokens=${entry?.output_tokens}`,
      );
      expect(sent() - before).toBe(2);
    },
  );

  it('of a stream that broke off is tried again', async () => {
    const token = await gateway.issue({ limits });
    gateway.upstream.script(first(resetAfter(messageFrame({ choices: [{ delta: { content: 'Hel' } }] }))));
    const broken = await open(`${gateway.url}${paths.chat}`, bodies.chat(stream), {
      token: token.text,
      headers: keyedHeaders('broken'),
    });
    expect(await readStream(broken).rest()).toBe('broken');
    await gateway.settled(token.team, 1);
    const again = await call({ token: token.text, key: 'broken', more: stream });
    expect(again.text).toContain('[DONE]');
    expect(again.headers.get('idempotency-attempts')).toContain('outcome=error');
  });

  it.each([
    ['plain', {}, JSON.stringify({ choices: [{ message: { content: 'x'.repeat(70_000) } }] })],
    [
      'stream',
      stream,
      `${messageFrame({ choices: [{ delta: { content: 'x'.repeat(70_000) } }] })}${doneFrame}`,
    ],
  ] as const)(
    'whose answer is too large is not made again: told which request it was (%s)',
    async (kind, more, body) => {
      const token = await gateway.issue({ limits });
      const headers = kind === 'plain' ? json : { 'content-type': 'text/event-stream' };
      gateway.upstream.script(respond(200, headers, body));
      const before = sent();
      const [original, again] = await twice({ token: token.text, key: 'large', more }, token);
      expect(original).toMatchObject({ status: 200, text: body });
      expect(again.status).toBe(409);
      expect(again.headers.get('x-should-retry')).toBe('false');
      const error = errorOf(again);
      expect(error).toMatchObject({ code: 'replay_unavailable', param: 'idempotency-key' });
      expect(error.message).toContain(original.headers.get('x-request-id'));
      expect(sent() - before).toBe(1);
      expect(await gateway.entries(token.team)).toHaveLength(1);
    },
  );

  it('that a limit refuses leaves the key free', async () => {
    const token = await gateway.issue({ limits: [{ metric: 'concurrency', max: 1 }] });
    const answer = Promise.withResolvers<void>();
    gateway.upstream.script(async () => {
      await answer.promise;
      return false;
    });
    const before = sent();
    const running = call({ token: token.text });
    await gateway.upstream.waitFor(() => sent() - before === 1);
    expect((await call({ token: token.text, key: 'k' })).status).toBe(429);
    answer.resolve();
    await running;
    await gateway.settled(token.team, 1);
    const again = await call({ token: token.text, key: 'k', more: { n: 2 } });
    expect(again.status).toBe(200);
    expect(again.headers.get('idempotency-replayed')).toBeNull();
  });

  it('gets the kept answer while its limits have no room', async () => {
    const token = await gateway.issue({ limits: [{ metric: 'requests', window: 'day', max: 1 }] });
    const [, replay] = await twice({ token: token.text, key: 'k' }, token);
    expect(replay.status).toBe(200);
    expect((await call({ token: token.text, key: 'another' })).status).toBe(429);
  });

  it('keeps nothing in the store that tells the key, the prompt or the answer', async () => {
    const token = await gateway.issue();
    const key = `canary-key-${randomUUID()}`;
    const answer = JSON.stringify({ choices: [{ message: { content: 'canary-answer' } }] });
    gateway.upstream.script(respond(200, json, answer));
    const more = { messages: [{ role: 'user', content: 'canary-prompt' }] };
    const [, replay] = await twice({ token: token.text, key, more }, token);
    expect(replay.text).toContain('canary-answer');
    const names = (await redis.command('KEYS', '*:keyed:*')) as string[];
    expect(names.length).toBeGreaterThan(0);
    const texts = await Promise.all(
      names.filter((name) => !/:(?:taken|oldest|log:.*)$/.test(name)).map((name) => redis.command('GET', name)),
    );
    expect([...names, ...texts, gateway.log()].join('\n')).not.toContain('canary');
  });

  it('of a page may be sent, and the answer says that it is a replay', async () => {
    const origin = 'https://shop.example';
    const token = await gateway.issue({ origins: [origin] });
    const preflight = await fetch(`${gateway.url}${paths.chat}`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'idempotency-key',
      },
    });
    expect(preflight.headers.get('access-control-allow-headers')).toBe('idempotency-key');
    const headers = { origin, 'idempotency-key': 'k' };
    const ask = (): Promise<Reply> =>
      post(`${gateway.url}${paths.chat}`, bodies.chat(), { token: token.text, headers });
    await ask();
    await gateway.settled(token.team, 1);
    const replay = await ask();
    expect(replay.headers.get('idempotency-replayed')).toBe('true');
    expect(replay.headers.get('access-control-allow-origin')).toBe(origin);
    expect(replay.headers.get('access-control-expose-headers')).toContain('idempotency-replayed');
  });

  it('takes two calls of the store, like any other: the answer goes with the settlement', async () => {
    const calls = 20;
    const token = await gateway.issue({ limits });
    const ran = async (): Promise<Map<string, number>> => {
      const { text } = await get(`${gateway.url}/metrics`, { token: gateway.adminKey });
      const counts = text.matchAll(/^tollgate_store_duration_seconds_count\{.*operation="(\w+)".*\} (\d+)/gm);
      return new Map([...counts].map(([, operation = '', count]) => [operation, Number(count)]));
    };
    await call({ token: token.text, key: 'first' });
    await gateway.settled(token.team, 1);
    const before = await ran();
    for (let n = 0; n < calls; n += 1) {
      expect((await call({ token: token.text, key: `trip-${n}` })).status).toBe(200);
    }
    await gateway.settled(token.team, calls + 1);
    const since = [...(await ran())].map(
      ([operation, count]) => [operation, count - (before.get(operation) ?? 0)] as const,
    );
    expect(since).toContainEqual(['admit', calls]);
    expect(since).toContainEqual(['settle', calls]);
    // Whatever else it does is not done for each call.
    const others = since.filter(([operation]) => operation !== 'admit' && operation !== 'settle');
    expect(others.filter(([, count]) => count >= calls)).toEqual([]);
  });
});
