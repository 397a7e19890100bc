import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Script } from '../../support/stand-in.ts';
import { hang } from '../../support/upstream-scripts.ts';
import { type IssuedToken, startGateway, type TestGateway } from '../../support/gateway.ts';
import { bodies, errorOf, get, paths, post, type Reply } from '../../support/gateway-client.ts';
import { mintSession } from '../../support/sessions.ts';
import { waitFor } from '../../support/wait-for.ts';
import { trustedIssuer } from '../../unit/sign-in/trusted.ts';

/* One team takes all it can get. The others lose no call, and are never the ones who are told so. */

const mebibyte = 1_048_576;
const maxConnections = 160;

let gateway: TestGateway;
let honest: IssuedToken;
let hostile: IssuedToken;
let colleague: IssuedToken;
const sockets: Socket[] = [];

beforeAll(async () => {
  gateway = await startGateway({
    env: {
      MAX_BODY_BYTES: String(2 * mebibyte),
      BODY_BUDGET_BYTES: String(32 * mebibyte),
      MAX_CONNECTIONS: String(maxConnections),
      BODY_TIMEOUT_MS: '60000',
    },
    issuers: [trustedIssuer({ issuer: 'https://issuer.example' })],
  });
  honest = await gateway.issue();
  hostile = await gateway.issue();
  colleague = await gateway.issue({ team: { id: hostile.team } });
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  gateway.upstream.script(null);
  // All that was held is given back.
  await waitFor(async () => (await embed(hostile, 500)).status === 200, {
    what: 'the share',
    timeoutMs: 20_000,
  });
});
afterAll(() => gateway.close());

/** A connection whose answer is never read. */
async function unread(text: string): Promise<Socket> {
  const socket = connect(gateway.port, '127.0.0.1').on('error', () => undefined);
  sockets.push(socket);
  socket.pause();
  await once(socket, 'connect');
  socket.write(text);
  return socket;
}

/** A connection with its answer so far. */
async function reading(
  text: string | Buffer,
): Promise<{ socket: Socket; status: () => number; text: () => string }> {
  const socket = await unread('');
  let received = '';
  socket.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')));
  socket.resume();
  socket.write(text);
  return {
    socket,
    status: () => Number(/^HTTP\/1\.1 (\d+)/.exec(received)?.[1] ?? 0),
    text: () => received,
  };
}

const head = (path: string, bytes: number, token?: string): string =>
  [
    `POST ${path} HTTP/1.1`,
    'host: a',
    'content-type: application/x-www-form-urlencoded',
    ...(token === undefined ? [] : [`authorization: Bearer ${token}`]),
    `content-length: ${bytes}`,
    '\r\n',
  ].join('\r\n');

/**
 * Resolves when the gateway has taken every connection opened so far. To make room it closes idle ones, also those that
 * the honest client keeps: a POST that is just being sent on such a one fails, as with any server.
 */
async function allTaken(): Promise<void> {
  const last = await reading('GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n');
  await waitFor(() => last.status() !== 0, { what: 'an answer on the newest connection' });
}

/** The honest team: small and larger calls, a stream, embeddings. */
async function losesNothing(): Promise<void> {
  await allTaken();
  const large = bodies.chat({ messages: [{ role: 'user', content: 'x'.repeat(mebibyte) }] });
  const replies = await Promise.all([
    ...Array.from({ length: 4 }, () => chat(honest)),
    post(`${gateway.url}${paths.chat}`, large, { token: honest.text }),
    post(`${gateway.url}${paths.chat}`, bodies.chat({ stream: true }), { token: honest.text }),
    embed(honest, 200),
    get(`${gateway.url}/v1/models`, { token: honest.text }),
    get(`${gateway.url}/healthz`),
  ]);
  expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 200));
}

const chat = (token: { text: string }): Promise<Reply> =>
  post(`${gateway.url}${paths.chat}`, bodies.chat(), { token: token.text });
const inputs = (count: number): string[] => Array.from({ length: count }, (_, n) => `t${n}`);
const embed = (token: { text: string }, count: number): Promise<Reply> =>
  post(`${gateway.url}${paths.embeddings}`, bodies.embeddings({ input: inputs(count) }), {
    token: token.text,
  });

/** Embeddings of 8 kB each; anything else as usual. */
const largeEmbeddings: Script = (_req, res, body) => {
  const { input } = body as { input?: unknown };
  if (!Array.isArray(input) || input.length < 96) return false;
  const data = input.map((__, index) => ({ index, embedding: 'A'.repeat(8_192) }));
  res.writeHead(200, { 'content-type': 'application/json' });
  res.end(JSON.stringify({ data, usage: { prompt_tokens: 1, total_tokens: 1 } }));
  return true;
};

describe('a hostile team that', () => {
  it('sends bodies slowly, with many tokens, and never ends them', async () => {
    const tokens = [hostile, colleague, await gateway.issue({ team: { id: hostile.team } })];
    const body = Buffer.alloc(1_900_000, 'x');
    const sent = await Promise.all(
      Array.from({ length: 24 }, async (_, n) => {
        const connection = await reading(head(paths.chat, body.length + 1, tokens[n % tokens.length]?.text));
        connection.socket.write(body);
        return connection;
      }),
    );
    await waitFor(() => sent.some(({ status }) => status() === 503), { what: 'a refusal' });
    await losesNothing();
    const refused = sent.filter(({ status }) => status() === 503);
    for (const { text } of refused) expect(text()).toMatch(/This (?:team|token) holds/);
  });

  it('does not read answers to many inputs, with a session of a page', async () => {
    gateway.upstream.script(largeEmbeddings);
    const session = await mintSession(gateway.url, hostile.text);
    const body = JSON.stringify(bodies.embeddings({ input: inputs(960) })); // 7.9 MB of answer
    for (let n = 0; n < 2; n += 1) await unread(head(paths.embeddings, body.length, session.token) + body);
    await waitFor(async () => (await embed({ text: session.token }, 960)).status === 503, {
      what: 'a full share',
    });
    const refused = await embed({ text: session.token }, 960);
    expect(errorOf(refused)).toMatchObject({
      code: 'overloaded',
      message: expect.stringContaining('This session'),
    });
    expect((await embed(hostile, 300)).status).toBe(200);
    await losesNothing();
  });

  it('does not read streams, or reads nothing of plain answers', async () => {
    const chunk = `data: {"choices":[{"index":0,"delta":{"content":"${'y'.repeat(60_000)}"}}]}\n\n`;
    gateway.upstream.script((_req, res, body) => {
      if ((body as { user?: string }).user !== 'flood') return false;
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      const more = (): void => {
        while (!res.destroyed && res.write(chunk));
        if (!res.destroyed) res.once('drain', more);
      };
      more();
      return true;
    });
    const body = JSON.stringify(bodies.chat({ stream: true, user: 'flood' }));
    await Promise.all(
      Array.from({ length: 12 }, () => unread(head(paths.chat, body.length, hostile.text) + body)),
    );
    await gateway.upstream.waitFor(({ open }) => open >= 12);
    await losesNothing();
  });

  it('keeps many calls waiting', async () => {
    const hangs = hang();
    gateway.upstream.script((req, res, body) =>
      (body as { user?: string }).user === 'hang' ? hangs(req, res, body) : false,
    );
    const body = JSON.stringify(bodies.chat({ user: 'hang' }));
    const sent = await Promise.all(
      Array.from({ length: maxConnections }, () =>
        reading(head(paths.chat, body.length, hostile.text) + body),
      ),
    );
    await waitFor(() => sent.some(({ status }) => status() === 503), { what: 'a refusal' });
    expect(sent.find(({ status }) => status() === 503)?.text()).toContain('This token has as many calls');
    await losesNothing();
  });

  it('opens connections and leaves them idle, or begins requests and does not end them', async () => {
    await Promise.all(Array.from({ length: maxConnections }, () => unread('')));
    await losesNothing();
    await Promise.all(Array.from({ length: maxConnections }, () => unread('GET / HTTP/1.1\r\nhost:')));
    await losesNothing();
  });

  it('signs in slowly, from one address', async () => {
    const sent = await Promise.all(
      Array.from({ length: 60 }, async () => {
        const connection = await reading(head('/oauth/token', 32_000));
        connection.socket.write(Buffer.alloc(31_000, 'x'));
        return connection;
      }),
    );
    await waitFor(() => sent.some(({ status }) => status() === 503), { what: 'a refusal' });
    await losesNothing();
    expect(sent.find(({ status }) => status() === 503)?.text()).toContain('temporarily_unavailable');
  });

  it('sends a body in chunks of one byte', async () => {
    const connection = await reading(
      head(paths.chat, 0, hostile.text).replace('content-length: 0', 'transfer-encoding: chunked'),
    );
    for (let n = 0; n < 100; n += 1) connection.socket.write('1\r\nx\r\n'.repeat(1_000));
    await losesNothing();
    connection.socket.write('0\r\n\r\n');
    await waitFor(() => connection.status() === 400, { what: 'the answer' });
  });
});

it('one body of the largest size always gets in', async () => {
  const body = bodies.chat({ messages: [{ role: 'user', content: 'x'.repeat(2 * mebibyte - 300) }] });
  const replies = await Promise.all(
    [hostile, colleague, honest].map(({ text }) =>
      post(`${gateway.url}${paths.chat}`, body, { token: text }),
    ),
  );
  expect(replies.map(({ status }) => status)).toEqual([200, 200, 200]);
});

it('without an issuer, there is no sign-in to send anything to', async () => {
  const other = await startGateway();
  try {
    const reply = await post(`${other.url}/oauth/token`, 'grant_type=x');
    expect([reply.status, errorOf(reply).code]).toEqual([404, 'not_found']);
    expect(reply.headers.get('access-control-allow-origin')).toBe('*');
    expect((await get(`${other.url}/openapi.json`)).text).not.toContain('/oauth/token');
  } finally {
    await other.close();
  }
});
