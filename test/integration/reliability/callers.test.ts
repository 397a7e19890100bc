import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hang } from '../../support/upstream-scripts.ts';
import { write } from '../../../src/demo/connection.ts';
import { type IssuedToken, startGateway, type TestGateway } from '../../support/gateway.ts';
import { bodies, get, paths, post } from '../../support/gateway-client.ts';
import { connectRaw, parseResponse, type RawConnection, requestText } from '../../support/http.ts';
import { waitFor, within } from '../../support/wait-for.ts';

/* Callers that send too slowly, read too slowly, or close one half of their connection. */

const bodyTimeoutMs = 600;
const readerTimeoutMs = 500;

let gateway: TestGateway;
let token: IssuedToken;
const connections: RawConnection[] = [];

beforeAll(async () => {
  gateway = await startGateway({
    env: {
      BODY_TIMEOUT_MS: String(bodyTimeoutMs),
      READER_TIMEOUT_MS: String(readerTimeoutMs),
      MAX_BODY_BYTES: '100000',
      BODY_BUDGET_BYTES: '100000',
    },
  });
  token = await gateway.issue({ limits: [{ metric: 'concurrency', max: 1_000 }] });
});
afterEach(() => {
  for (const connection of connections.splice(0)) connection.destroy();
  gateway.upstream.script(null);
});
afterAll(() => gateway.close());

async function connected(): Promise<RawConnection> {
  const connection = await connectRaw(gateway.port);
  connections.push(connection);
  return connection;
}

function request(body: object): string {
  const headers = { authorization: `Bearer ${token.text}`, connection: 'keep-alive' };
  return requestText({ method: 'POST', path: paths.chat, headers, body: JSON.stringify(body) });
}

async function openPlaces(): Promise<number> {
  const { json } = await get(`${gateway.url}/v1/me`, { token: token.text });
  return (json['limits'] as { used: number }[])[0]?.used ?? Number.NaN;
}

const answers = async (): Promise<boolean> =>
  (await post(`${gateway.url}${paths.chat}`, bodies.chat(), { token: token.text })).status === 200;

describe('a hundred bodies that trickle', () => {
  it('are each ended with 408 in time, admitted never, and give their memory back', async () => {
    const before = (await gateway.entries(token.team)).length;
    const text = request(bodies.chat({ messages: [{ role: 'user', content: 'x'.repeat(5_000) }] }));
    const trickle = async (): Promise<number> => {
      const connection = await connected();
      const head = text.indexOf('\r\n\r\n') + 4;
      connection.send(text.slice(0, head + 900)); // 90 kB of the budget, all together
      for (let at = head + 900; !connection.ended && !connection.closed; at += 1) {
        connection.send(text.slice(at, at + 1));
        await sleep(20);
      }
      return parseResponse(connection.received()).status;
    };
    // They would trickle for 80 s: the timeout ends them.
    const statuses = await within(Promise.all(Array.from({ length: 100 }, trickle)), 40_000);
    expect(new Set(statuses)).toEqual(new Set([408]));
    expect(await gateway.entries(token.team)).toHaveLength(before);
    expect(await answers()).toBe(true);
  });
});

describe('a reader that stops', () => {
  it.each([false, true])(
    'amid an answer (streamed: %s) is let go in time, its upstream with it',
    async (stream) => {
      const part = Buffer.from(stream ? `data: {"a":"${'x'.repeat(60_000)}"}\n\n` : 'x'.repeat(60_000));
      gateway.upstream.script(async (_request, response) => {
        response.writeHead(200, { 'content-type': stream ? 'text/event-stream' : 'application/json' });
        while (await write(response, part));
        return true;
      });
      const before = gateway.upstream.aborted;
      const count = (await gateway.entries(token.team)).length;
      const connection = await connected();
      connection.socket.pause();
      connection.send(request(bodies.chat({ stream })));
      await gateway.upstream.waitFor(({ aborted }) => aborted === before + 1);
      const entries = await gateway.settled(token.team, count + 1);
      expect(entries.at(-1)).toMatchObject({ outcome: 'aborted', usage: 'estimated', stream });
      await waitFor(async () => (await openPlaces()) === 0, { what: 'its place to be free' });
    },
  );
});

describe('a caller that closes its half of the connection', () => {
  it('behind its request has left: that is all a caller that is gone looks like', async () => {
    gateway.upstream.script(hang());
    const before = gateway.upstream.aborted;
    const count = (await gateway.entries(token.team)).length;
    const connection = await connected();
    connection.send(request(bodies.chat()));
    await gateway.upstream.waitFor(({ open }) => open === 1);
    connection.socket.end();
    await gateway.upstream.waitFor(({ aborted }) => aborted === before + 1);
    const entries = await gateway.settled(token.team, count + 1);
    expect(entries.at(-1)).toMatchObject({ outcome: 'aborted', usage: 'estimated' });
  });

  it('amid its request is forgotten', async () => {
    const count = (await gateway.entries(token.team)).length;
    const connection = await connected();
    connection.send(request(bodies.chat()).slice(0, -10));
    connection.socket.end();
    await connection.untilClosed();
    expect(await gateway.entries(token.team)).toHaveLength(count);
    expect(await answers()).toBe(true);
  });
});

describe('requests sent all at once on one connection', () => {
  it('are answered in their order, each as it deserves', async () => {
    const connection = await connected();
    const texts = [
      request(bodies.chat()),
      requestText({
        path: '/v1/me',
        headers: { authorization: `Bearer ${token.text}`, connection: 'keep-alive' },
      }),
      request({ model: 'x' }),
      requestText({ path: '/v1/nothing', headers: { connection: 'keep-alive' } }),
      request(bodies.chat({ stream: true })),
      requestText({ path: '/healthz' }), // and close
    ];
    connection.send(texts.join(''));
    await connection.untilClosed();
    const statuses = [...connection.text().matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) =>
      Number(status),
    );
    expect(statuses).toEqual([200, 200, 400, 404, 200, 200]);
  });
});
