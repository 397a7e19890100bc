import { hash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hang, resetAfter, respond, streamFrames, wafPage } from '../../support/upstream-scripts.ts';
import { doneFrame, messageFrame } from '../../../src/demo/frames.ts';
import { startCollector, type TestCollector } from '../../support/collector.ts';
import { spanProblems } from '../../support/span-rules.ts';
import { type Script, startStandIn, type StandIn } from '../../support/stand-in.ts';
import { startGateway, type IssuedToken, type TestGateway } from '../../support/gateway.ts';
import { bodies, get, open, paths, post, read, readStream } from '../../support/gateway-client.ts';
import { connectRaw } from '../../support/http.ts';
import { claimLink, rotateToken } from '../../support/rotation.ts';
import { sharedRedis, type SharedRedis } from '../../support/redis-server.ts';

/*
 * Invariant 8. Words found nowhere else are planted as prompts, answers, tokens and keys; traffic of every kind goes
 * through, errors above all; then every output is searched for them.
 */

const canary = {
  prompt: 'canary-prompt-7f3a91',
  answer: 'canary-answer-c04be2',
  errorText: 'canary-upstream-error-55d0',
  query: 'canary-query-e81c44',
  header: 'canary-header-2b9f60',
  model: 'canary-model-99ab',
  collectorKey: 'canary-collector-key-77aa',
  key: 'inf-ca9a51e0-1111-4222-8333-canarykey001',
  adminKey: 'canary-admin-key-0123456789abcdef-0123456789',
} as const;

let redis: SharedRedis;
let upstream: StandIn;
let collector: TestCollector;
let gateway: TestGateway;
let token: IssuedToken;
/** Other secrets of that token, and the code and the token of a claim link that was opened. */
const handedOver: string[] = [];
/** Requests of the data plane that came in whole. */
let received = 0;
/** Everything callers and administrators were sent, but for the one reply that shows a token. */
const replies: string[] = [];

beforeAll(async () => {
  redis = await sharedRedis();
  upstream = await startStandIn({ key: canary.key });
  collector = await startCollector();
  gateway = await startGateway({
    redis,
    upstream,
    adminKey: canary.adminKey,
    env: {
      LOG_LEVEL: 'trace',
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_HEADERS: `x-key=${canary.collectorKey}`,
      OTEL_BSP_SCHEDULE_DELAY: '50',
      OTEL_METRIC_EXPORT_INTERVAL: '200',
      UPSTREAM_TIMEOUT_MS: '250',
      STREAM_IDLE_TIMEOUT_MS: '250',
      FIRST_HEARTBEAT_MS: '120',
      HEARTBEAT_MS: '120',
    },
  });
  gateway.server.on('request', ({ url, headers }) => {
    if (url?.startsWith('/v1/') && headers.host?.startsWith('127.0.0.1')) received += 1;
  });
  token = await gateway.issue({ limits: [{ metric: 'requests', window: 'day', max: 1_000 }] });
  await traffic();
});

afterAll(async () => {
  await gateway.close();
  await upstream.close();
  await collector.close();
});

const body = (more: object = {}): object =>
  bodies.chat({ messages: [{ role: 'user', content: canary.prompt }], user: canary.prompt, ...more });

function keep(reply: { headers: Headers; text: string }): void {
  const headers = [...reply.headers].map(([name, value]) => `${name}: ${value}`).join('\n');
  replies.push(`${headers}\n\n${reply.text}`);
}

async function send(
  script: Script | null,
  more: object | string = {},
  path: string = paths.chat,
): Promise<void> {
  upstream.script(script);
  const sent = typeof more === 'string' ? more : body(more);
  const answer = await open(`${gateway.url}${path}?q=${canary.query}&token=${token.text}`, sent, {
    headers: {
      authorization: `Bearer ${token.text}`,
      'x-api-key': token.text,
      'user-agent': canary.header,
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      tracestate: `a=${canary.key},b=${canary.adminKey}`,
      cookie: canary.header,
      referer: `http://${canary.header}/`,
    },
  });
  const reading = readStream(answer);
  await reading.rest();
  keep({ headers: answer.headers, text: reading.text() });
}

async function traffic(): Promise<void> {
  const json = { 'content-type': 'application/json' };
  const told = (status: number): Script =>
    respond(
      status,
      json,
      JSON.stringify({ error: { code: status, message: `${canary.errorText} ${canary.key}` } }),
    );
  const answer = JSON.stringify({ choices: [{ message: { content: canary.answer } }], model: canary.model });
  const frame = messageFrame({ choices: [{ delta: { content: canary.answer } }] });

  for (const stream of [false, true]) {
    await send(null, { stream });
    for (const status of [400, 401, 403, 404, 429, 500, 503]) await send(told(status), { stream });
    await send(wafPage(), { stream });
    await send(hang(), { stream });
    await send(respond(200, { 'content-type': canary.header }, canary.answer), { stream });
    await send(resetAfter(canary.answer, json), { stream });
  }
  await send(respond(200, json, answer));
  await send(respond(200, json, answer.slice(0, -5)));
  await send(streamFrames([frame, doneFrame]), { stream: true });
  await send(resetAfter(frame), { stream: true });
  await send(resetAfter(frame.slice(0, -4)), { stream: true });
  await send(streamFrames([frame], { end: false }), { stream: true });
  await send(streamFrames([`data:{"error":{"message":"${canary.errorText}"}}\n\n`]), { stream: true });
  await send(null, { prompt: canary.prompt, model: 'stable-image-ultra' }, paths.images);
  await send(null, { input: canary.prompt, model: 'cohere-embed-multilingual' }, paths.embeddings);
  await refusals();
  await leaving(frame);
  await raw();
  await rotating();
  await asking();
}

/** Whatever is refused here. */
async function refusals(): Promise<void> {
  await send(null, `{"model":"${canary.prompt}`);
  await send(null, `"${canary.prompt}"`);
  await send(null, { messages: [{ role: canary.prompt, content: canary.prompt }] });
  await send(null, { temperature: canary.prompt, tools: [{ type: canary.prompt }] });
  await send(null, { [canary.prompt]: 2 ** 60 });
  await send(null, `{"a":${'['.repeat(100)}"${canary.prompt}"`);
  await send(null, body(), '/v1/nothing');
  const mistyped = `${token.text.slice(0, -1)}_`;
  for (const credential of [mistyped, canary.key, `${token.text}, ${token.text}`, canary.adminKey.slice(1)]) {
    const reply = await post(`${gateway.url}${paths.chat}`, body(), { token: credential });
    keep(reply);
  }
  keep(await post(`${gateway.url}/v1/${token.text}/x`, body(), { token: token.text }));
  keep(await get(`${gateway.url}/v1/me?${canary.query}`, { token: token.text }));
  keep(await get(`${gateway.url}/v1/me/usage?${canary.query}`, { token: token.text }));
  keep(await get(`${gateway.url}/v1/models?${canary.query}`, { token: token.text }));
}

async function leaving(frame: string): Promise<void> {
  for (const stream of [false, true]) {
    const controller = new AbortController();
    const before = upstream.requests.length;
    upstream.script(stream ? streamFrames([frame], { end: false }) : hang());
    const answer = open(`${gateway.url}${paths.chat}`, body({ stream }), {
      token: token.text,
      signal: controller.signal,
    });
    await upstream.waitFor(({ requests }) => requests.length > before);
    controller.abort();
    await answer.then(read).catch(() => undefined);
  }
}

/** What never reaches the routes. */
async function raw(): Promise<void> {
  const secret = `authorization: Bearer ${token.text}\r\nx-canary: ${canary.header}\r\n`;
  for (const request of [
    `POST ${paths.chat}?${canary.query} HTTP/1.1\r\n${secret}\r\n`,
    `POST ${paths.chat} HTTP/1.1\r\nhost: ${canary.header} x\r\n${secret}\r\n`,
    `POST ${paths.chat} HTTP/1.1\r\nhost: a\r\n${secret}bad header\r\n\r\n`,
    `POST ${paths.chat} HTTP/1.1\r\nhost: a\r\n${secret}x: ${'y'.repeat(20_000)}\r\n\r\n`,
    `POST ${paths.chat} HTTP/1.1\r\nhost: a\r\n${secret}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n`,
    `CONNECT ${canary.header}:443 HTTP/1.1\r\nhost: a\r\n${secret}\r\n`,
  ]) {
    const connection = await connectRaw(gateway.port);
    connection.send(request);
    await connection.until('"error"');
    replies.push(connection.text());
    connection.destroy();
  }
}

/** Secrets that are rotated, and handed over by a link: shown once, and that reply is not kept. */
async function rotating(): Promise<void> {
  const rotated = await rotateToken(gateway, token);
  const own = await post(`${gateway.url}/v1/me/rotate`, '', { token: rotated.text });
  const newest = String(own.json['token']);
  handedOver.push(rotated.text, newest);
  keep(await post(`${gateway.url}/v1/me/rotate`, '', { token: rotated.text }));
  keep(await post(`${gateway.url}/v1/me/rotate`, `{"${canary.prompt}`, { token: newest }));
  keep(await post(`${gateway.url}${paths.chat}`, body(), { token: token.text }));

  const opened = await claimLink(gateway, token);
  const waiting = await claimLink(gateway, token);
  for (const url of [opened, waiting]) {
    handedOver.push(url.split('/').at(-1) ?? '');
    for (const accept of ['text/html', '*/*'])
      keep(await get(`${url}?${canary.query}`, { headers: { accept } }));
  }
  handedOver.push(String((await post(opened, canary.prompt)).json['token']));
  for (const accept of ['text/html', '*/*']) {
    keep(await post(opened, canary.prompt, { headers: { accept } }));
    keep(await post(`${waiting}0`, canary.prompt, { headers: { accept } }));
  }
}

/** Every GET of the admin API, and what it refuses. */
async function asking(): Promise<void> {
  const base = `/admin/teams/${token.team}`;
  for (const [method, path, sent] of [
    ['GET', '/admin/teams'],
    ['GET', base],
    ['GET', `${base}/users`],
    ['GET', `${base}/users/${token.user}`],
    ['GET', `${base}/tokens`],
    ['GET', `${base}/tokens/${token.id}`],
    ['PATCH', `${base}/tokens/${token.id}`, { name: 'renamed' }],
    ['PATCH', `${base}/tokens/${token.id}`, { token: token.text }],
    ['GET', '/admin/usage?group_by=day,team,user,token,model,endpoint'],
    ['GET', '/admin/requests?limit=1000'],
    ['GET', '/admin/refusals?group_by=day,team,user,token,endpoint,code'],
    ['GET', '/admin/audit?limit=1000'],
    ['GET', `/admin/requests?nonsense=${canary.query}`],
    ['GET', '/admin/nothing'],
  ] as const) {
    const { headers, body: told } = await gateway.admin(method, path, sent);
    keep({ headers, text: JSON.stringify(told) });
  }
  for (const credential of [token.text, `${canary.adminKey}x`, '']) {
    keep(await get(`${gateway.url}/admin/teams`, { token: credential }));
    keep(await get(`${gateway.url}/metrics`, { token: credential }));
  }
}

const secrets = (): string[] => [
  token.text,
  token.text.slice(16),
  canary.key,
  canary.adminKey,
  canary.collectorKey,
  ...handedOver,
  ...handedOver.map((text) => text.slice(16)),
];
const contents = [canary.prompt, canary.answer, canary.errorText, canary.query, canary.header];

function found(text: string, words: readonly string[]): string[] {
  return words.filter((word) => text.includes(word) || text.includes(Buffer.from(word).toString('base64')));
}

describe('after all kinds of traffic', () => {
  it('no log line holds a secret or a content, and none is longer than 10 kB', () => {
    const log = gateway.log();
    expect(log.split('\n').length).toBeGreaterThan(60);
    for (const line of log.split('\n')) {
      expect({ line, found: found(line, [...secrets(), ...contents]) }).toEqual({ line, found: [] });
      expect(Buffer.byteLength(line)).toBeLessThan(10_000);
    }
  });

  it('a collector gets none of it', async () => {
    await collector.waitFor(({ spans, pushes }) => spans.length > 60 && pushes.length > 0);
    expect(collector.requests[0]?.headers['x-key']).toBe(canary.collectorKey);
    for (const { body: sent } of collector.requests) {
      const text = sent.toString('latin1');
      expect(found(text, [...secrets(), ...contents])).toEqual([]);
    }
    expect(spanProblems(collector.spans)).toEqual([]);
  });

  it('there is one log line a request', () => {
    const lines = gateway
      .log()
      .trimEnd()
      .split('\n')
      .map(
        (line) =>
          JSON.parse(line) as { msg: string; request_id?: string; path?: string; error_code?: string },
      );
    const requests = lines.filter(({ msg, path }) => msg === 'request' && path?.startsWith('/v1/'));
    const ids = requests.map(({ request_id: id }) => id);
    expect(ids).toHaveLength(received);
    expect(new Set(ids).size).toBe(ids.length);
    expect(
      lines.filter(({ msg }) => msg === 'a request failed' || msg === 'an admin request failed'),
    ).toEqual([]);
  });

  it('neither the audit trail nor the log holds the hash of a secret', async () => {
    const { text } = await get(`${gateway.url}/admin/audit?limit=1000`, { token: gateway.adminKey });
    expect(text).toContain('token.rotate');
    expect(text).toContain('claim.issue');
    const digests = [token.text, canary.adminKey, ...handedOver].flatMap((secret) =>
      (['hex', 'base64', 'base64url'] as const).map((form) => hash('sha256', secret, form)),
    );
    expect(found(text + gateway.log(), [...secrets(), ...digests])).toEqual([]);
  });

  it('/metrics holds none, and no model that the upstream did not accept', async () => {
    const { text, status } = await get(`${gateway.url}/metrics`, { token: gateway.adminKey });
    expect(status).toBe(200);
    expect(text).toContain('tollgate_');
    expect(found(text, [...secrets(), ...contents, canary.model])).toEqual([]);
  });

  it('the store holds neither secrets nor contents, in no key and no value', async () => {
    const dump = await dumpOf(redis);
    // It was looked at in the right place.
    expect(dump).toContain(token.id);
    expect(dump).toContain(token.team);
    expect(found(dump, [...secrets(), ...contents])).toEqual([]);
  });

  it('every key of the store expires or is identity, and has the prefix', async () => {
    const keys = (await redis.command('KEYS', '*')) as string[];
    const lasting: string[] = [];
    const expiring = new Set<string>();
    for (const key of keys) {
      expect(key).toMatch(/^tollgate:1:/);
      if (Number(await redis.command('TTL', key)) < 0) lasting.push(key);
      else expiring.add(key.split(':')[2] ?? '');
    }
    const identity = ['teams', 'epochs', 'secrets', 'audit', `users:${token.team}`, `tokens:${token.team}`];
    expect(lasting.sort()).toEqual(identity.map((name) => `tollgate:1:${name}`).sort());
    // The kinds that must expire were there to be looked at.
    expect([...expiring]).toEqual(expect.arrayContaining(['counters', 'totals', 'claim', 'used']));
  });

  it('no reply holds a key, or a credential that was sent', () => {
    expect(replies.length).toBeGreaterThan(50);
    for (const reply of replies) {
      expect({ reply, found: found(reply, secrets()) }).toEqual({ reply, found: [] });
    }
  });

  it('no reply shows the limits or cookies of the shared key', () => {
    for (const reply of replies) {
      expect(reply).not.toContain('upstream-affinity');
      expect(reply).not.toContain('799892');
    }
  });
});

/** Every key and value, whatever its type. */
async function dumpOf(server: SharedRedis): Promise<string> {
  const parts: string[] = [];
  for (const key of (await server.command('KEYS', '*')) as string[]) {
    const type = String(await server.command('TYPE', key));
    const reading = {
      string: ['GET', key],
      hash: ['HGETALL', key],
      zset: ['ZRANGE', key, '0', '-1', 'WITHSCORES'],
      stream: ['XRANGE', key, '-', '+'],
      set: ['SMEMBERS', key],
      list: ['LRANGE', key, '0', '-1'],
    }[type];
    if (!reading) throw new Error(`A key of an unknown type: ${type}`);
    const [command = '', ...args] = reading;
    parts.push(key, JSON.stringify(await server.command(command, ...args)));
  }
  return parts.join('\n');
}
