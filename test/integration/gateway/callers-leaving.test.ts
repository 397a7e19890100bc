import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGateway, type IssuedToken, type TestGateway } from '../../support/gateway.ts';
import { bodies, get, paths, post } from '../../support/gateway-client.ts';
import { connectRaw, parseResponse, requestText } from '../../support/http.ts';
import { sharedRedis, type SharedRedis } from '../../support/redis-server.ts';
import { waitFor } from '../../support/wait-for.ts';

let redis: SharedRedis;
let gateway: TestGateway;

beforeAll(async () => {
  redis = await sharedRedis();
  gateway = await startGateway({ redis, standIn: { wordDelayMs: 1 } });
});
afterAll(async () => {
  await gateway.close();
});

const request = (token: IssuedToken, stream: boolean, headers: Record<string, string> = {}): string =>
  requestText({
    method: 'POST',
    path: paths.chat,
    headers: { authorization: `Bearer ${token.text}`, connection: 'keep-alive', ...headers },
    body: JSON.stringify(bodies.chat({ stream })),
  });

async function concurrencyUsed(token: IssuedToken): Promise<number> {
  const { json } = await get(`${gateway.url}/v1/me`, { token: token.text });
  return (json['limits'] as { used: number }[])[0]?.used ?? Number.NaN;
}

describe('callers that leave', () => {
  it('at any moment leave nothing behind: no place taken, no request unsettled, none running on', async () => {
    const token = await gateway.issue({ limits: [{ metric: 'concurrency', max: 1_000 }] });
    const rounds = 240;
    let stayed = 0;
    const one = async (n: number): Promise<void> => {
      const connection = await connectRaw(gateway.port);
      const text = request(token, n % 2 === 0);
      // Some leave while sending, some after the answer's end; a few reset the connection.
      const whole = n % 6 !== 0;
      connection.send(whole ? text : text.slice(0, -20));
      if (whole && n % 8 >= 6) {
        await connection.until(n % 2 === 0 ? '[DONE]' : '"total_tokens"');
        stayed += 1;
      } else await sleep((n % 24) * 1.5);
      if (n % 5 === 0) connection.socket.resetAndDestroy();
      else connection.destroy();
    };
    for (let n = 0; n < rounds; n += 24) {
      await Promise.all(Array.from({ length: 24 }, (_, offset) => one(n + offset)));
    }
    await waitFor(async () => (await concurrencyUsed(token)) === 0, { what: 'every place to be free' });
    await gateway.upstream.waitFor(({ open }) => open === 0);
    const entries = await gateway.entries(token.team);
    expect(new Set(entries.map(({ id }) => id)).size).toBe(entries.length);
    expect(entries.length).toBeLessThanOrEqual((rounds * 5) / 6);
    expect(entries.every(({ outcome }) => outcome === 'ok' || outcome === 'aborted')).toBe(true);
    expect(entries.filter(({ outcome }) => outcome === 'ok').length).toBeGreaterThanOrEqual(stayed);
    expect(stayed).toBeGreaterThan(40);
    expect(await gateway.usage(token.team)).toMatchObject({
      requests: entries.length,
      aborted: entries.filter(({ outcome }) => outcome === 'aborted').length,
    });
    expect(await redis.command('KEYS', 'tollgate:1:open:*')).toEqual([]);
    expect(gateway.log()).not.toContain('"level":"error"');
  });
});

describe('one connection', () => {
  it('carries requests of different callers, each with its own rights', async () => {
    const first = await gateway.issue();
    const second = await gateway.issue({ limits: [{ metric: 'requests', window: 'day', max: 0 }] });
    const connection = await connectRaw(gateway.port);
    const statuses: number[] = [];
    for (const text of [
      request(first, false),
      request(second, false),
      request(first, false),
      request(first, false, { authorization: 'Bearer nonsense' }),
      request(first, false, { 'x-api-key': second.text }),
      request(first, true),
    ]) {
      const from = connection.received().length;
      connection.send(text);
      // The whole answer: of a known length, or chunked to its end.
      await waitFor(() => isWhole(connection.received().subarray(from)), { what: 'a whole answer' });
      statuses.push(parseResponse(connection.received().subarray(from)).status);
    }
    connection.destroy();
    expect(statuses).toEqual([200, 429, 200, 401, 401, 200]);
  });

  it('goes on after an answer of every kind', async () => {
    const token = await gateway.issue();
    for (const path of ['/v1/me', '/v1/models', paths.chat, '/v1/nothing', '/', '/healthz']) {
      const answer = await fetch(`${gateway.url}${path}`, {
        method: 'HEAD',
        headers: { authorization: `Bearer ${token.text}` },
      });
      expect(await answer.text()).toBe('');
      expect(answer.status).toBe({ [paths.chat]: 405, '/v1/nothing': 404 }[path] ?? 200);
    }
    expect((await post(`${gateway.url}${paths.chat}`, bodies.chat(), { token: token.text })).status).toBe(
      200,
    );
  });
});

function isWhole(bytes: Buffer): boolean {
  if (bytes.indexOf('\r\n\r\n') < 0) return false;
  const answer = parseResponse(bytes);
  const length = answer.header('content-length');
  const { body } = answer;
  return length === undefined ? body.subarray(-5).toString() === '0\r\n\r\n' : body.length >= Number(length);
}
