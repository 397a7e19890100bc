import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { hang } from '../../support/upstream-scripts.ts';
import { startGateway, type TestGateway } from '../../support/gateway.ts';
import { bodies, errorOf, open, paths, post } from '../../support/gateway-client.ts';
import { connectRaw, parseResponse, type RawConnection } from '../../support/http.ts';

let gateway: TestGateway;
const connections: RawConnection[] = [];

afterEach(async () => {
  for (const connection of connections.splice(0)) connection.destroy();
  await gateway.close();
});

async function start(env: Record<string, string>): Promise<void> {
  gateway = await startGateway({ env });
}

/** Sends the head of a request and the first `bytes` of its body. */
async function begun(token: string, body: string, bytes: number): Promise<RawConnection> {
  const connection = await connectRaw(gateway.port);
  connections.push(connection);
  const head = `POST ${paths.chat} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${token}\r\n`;
  connection.send(`${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body.slice(0, bytes)}`);
  return connection;
}

describe('a body that is slow', () => {
  it('and not in within BODY_TIMEOUT_MS is answered with 408, and its connection ended', async () => {
    await start({ BODY_TIMEOUT_MS: '400' });
    const token = await gateway.issue();
    const body = JSON.stringify(bodies.chat());
    const connection = await begun(token.text, body, 10);
    // Progress does not help: the time is for the whole body.
    const dribble = setInterval(() => connection.send(' '), 50);
    await connection.untilClosed();
    clearInterval(dribble);
    const answer = parseResponse(connection.received());
    expect(answer.status).toBe(408);
    expect(JSON.parse(answer.body.toString())).toMatchObject({ error: { code: 'request_timeout' } });
    expect(await gateway.entries(token.team)).toEqual([]);
    expect(gateway.upstream.requests).toEqual([]);
  });

  it('does not eat up the time the upstream has', async () => {
    await start({ UPSTREAM_TIMEOUT_MS: '1500', BODY_TIMEOUT_MS: '20000' });
    const token = await gateway.issue();
    const body = JSON.stringify(bodies.chat());
    const connection = await begun(token.text, body, 10);
    await sleep(1_600); // longer than the upstream has
    connection.send(body.slice(10));
    await connection.until('HTTP/1.1');
    expect(parseResponse(connection.received()).status).toBe(200);
  });
});

describe('bodies together', () => {
  it('beyond the share that a token has of BODY_BUDGET_BYTES are told so, until others are done', async () => {
    await start({ MAX_BODY_BYTES: '10000', BODY_BUDGET_BYTES: '25000' });
    const token = await gateway.issue();
    const body = bodies.chat({ messages: [{ role: 'user', content: 'x'.repeat(9_000) }] });
    gateway.upstream.script(hang());
    const leaving = new AbortController();
    const held = open(`${gateway.url}${paths.chat}`, body, {
      token: token.text,
      signal: leaving.signal,
    }).catch(() => null);
    await gateway.upstream.waitFor(({ requests }) => requests.length === 1);
    const refused = await post(`${gateway.url}${paths.chat}`, body, { token: token.text });
    expect(refused.status).toBe(503);
    expect(errorOf(refused)).toMatchObject({ code: 'overloaded', type: 'server_error' });
    expect(errorOf(refused).message).toContain('This token');
    expect(refused.headers.get('retry-after')).toBe('1');
    gateway.upstream.script(null);
    expect((await post(`${gateway.url}${paths.chat}`, bodies.chat(), { token: token.text })).status).toBe(
      200,
    );
    leaving.abort();
    await held;
    await gateway.settled(token.team, 2);
    for (let call = 0; call < 5; call += 1) {
      expect((await post(`${gateway.url}${paths.chat}`, body, { token: token.text })).status).toBe(200);
    }
    expect(await gateway.settled(token.team, 7)).toHaveLength(7);
  });
});

describe('numbers of free-form values', () => {
  it('keep their digits up to the upstream, also where a bound is written in and where parts are made', async () => {
    await start({});
    const limits = [{ metric: 'tokens', window: 'day', max: 100_000 } as const];
    const token = await gateway.issue({ limits });
    const numbers = '[2512292042121000001,123456789012.123456789,1.0,1e400,-0]';
    const sent = async (path: string, body: object): Promise<string> => {
      const text = JSON.stringify({ ...body, metadata: '@' }).replace('"@"', `{"a":${numbers}}`);
      expect((await post(`${gateway.url}${path}`, text, { token: token.text })).status).toBe(200);
      return gateway.upstream.requests.map((request) => request.text).join('\n');
    };
    const chat = await sent(paths.chat, bodies.chat({ max_tokens: undefined }));
    expect(chat).toContain(`"metadata":{"a":${numbers}}`);
    expect(chat).toContain('"max_tokens":');
    const inputs = Array.from({ length: 100 }, (_, index) => `text ${index}`);
    const embeddings = await sent(
      paths.embeddings,
      bodies.embeddings({ input: inputs, allow_ignored_params: true }),
    );
    expect(embeddings.split(`"metadata":{"a":${numbers}}`)).toHaveLength(4);
  });
});
