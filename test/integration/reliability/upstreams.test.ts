import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { LedgerEntry } from '../../../src/ledger/entry.ts';
import { write } from '../../../src/demo/connection.ts';
import { doneFrame, messageFrame } from '../../../src/demo/frames.ts';
import { startStandIn, type StandIn } from '../../support/stand-in.ts';
import { type IssuedToken, startGateway, type TestGateway } from '../../support/gateway.ts';
import { bodies, errorOf, open, paths, post, readStream, type Reply } from '../../support/gateway-client.ts';
import { waitFor } from '../../support/wait-for.ts';

/* Answers that no proper server gives, and answers of a size that none should. */

const usage = { prompt_tokens: 7, completion_tokens: 5 };
const answer = JSON.stringify({ choices: [{ message: { content: 'Hello' } }], usage });
const events =
  messageFrame({ choices: [{ delta: { content: 'Hi' }, finish_reason: 'stop' }], usage }) + doneFrame;
const ok = 'HTTP/1.1 200 OK\r\n';
const json = `${ok}Content-Type: application/json\r\n`;
const sse = `${ok}Content-Type: text/event-stream\r\n`;
const sized = (head: string, body: string | Buffer): Buffer =>
  Buffer.concat([Buffer.from(`${head}Content-Length: ${body.length}\r\n\r\n`), Buffer.from(body)]);

/** Gives every request the same bytes, and then closes or not. */
interface RawUpstream {
  readonly url: string;
  answers(bytes: Buffer, closes?: boolean): void;
  close(): Promise<void>;
}

async function startRawUpstream(): Promise<RawUpstream> {
  const sockets = new Set<Socket>();
  const state = { bytes: Buffer.alloc(0), closes: false };
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined); // the gateway lets go as it likes
    socket.on('data', () => {
      if (state.closes) socket.end(state.bytes);
      else socket.write(state.bytes);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, // a TCP server's is never a string
    answers: (bytes, closes = false) => Object.assign(state, { bytes, closes }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

let upstream: RawUpstream;
let gateway: TestGateway;

beforeAll(async () => {
  upstream = await startRawUpstream();
  gateway = await startGateway({
    env: { INFERENCE_URL: upstream.url, UPSTREAM_TIMEOUT_MS: '2500', STREAM_IDLE_TIMEOUT_MS: '2500' },
  });
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

/** One call, and the one entry it leaves. */
async function called(more: object = {}): Promise<{ reply: Reply; entry: LedgerEntry }> {
  const token = await gateway.issue();
  const reply = await post(`${gateway.url}${paths.chat}`, bodies.chat(more), { token: token.text });
  const [entry, ...others] = await gateway.settled(token.team, 1);
  if (!entry) throw new Error('There is no entry.');
  expect(others).toEqual([]);
  return { reply, entry };
}

describe('is told as an error of the upstream, and charged as far as it was taken', () => {
  const big = 'x'.repeat(70_000);
  it.each<
    [string, Buffer, { status: number; code: string; charged: boolean; closes?: boolean; stream?: boolean }]
  >([
    ['no HTTP', Buffer.from('hello\r\n\r\n'), { status: 502, code: 'upstream_error', charged: true }],
    [
      'HTTP of a version to come',
      Buffer.from('HTTP/3.0 200 OK\r\n\r\n'),
      { status: 502, code: 'upstream_error', charged: true },
    ],
    [
      'a header without a name',
      Buffer.from(`${json}: x\r\n\r\n`),
      { status: 502, code: 'upstream_error', charged: true },
    ],
    [
      'a length that is no number',
      Buffer.from(`${json}Content-Length: ten\r\n\r\n{}`),
      { status: 502, code: 'upstream_error', charged: true },
    ],
    [
      'two lengths',
      Buffer.from(`${json}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`),
      { status: 502, code: 'upstream_error', charged: true },
    ],
    [
      '200 kB of headers',
      sized(`${json}X: ${big}\r\nY: ${big}\r\nZ: ${big}\r\n`, answer),
      { status: 502, code: 'upstream_error', charged: true },
    ],
    [
      'HTML',
      sized(`${ok}Content-Type: text/html\r\n`, '<html></html>'),
      { status: 502, code: 'upstream_error', charged: true },
    ],
    [
      'no content type, and no answer',
      sized(ok, 'OK'),
      { status: 502, code: 'upstream_error', charged: true },
    ],
    [
      'no content',
      Buffer.from('HTTP/1.1 204 No Content\r\n\r\n'),
      { status: 502, code: 'upstream_error', charged: true },
    ],
    [
      'half an answer, as if it were whole',
      sized(json, answer.slice(0, -9)),
      { status: 502, code: 'upstream_error', charged: true },
    ],
    ['nothing', sized(json, ''), { status: 502, code: 'upstream_error', charged: true }],
    [
      'a redirection',
      sized('HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\n', ''),
      { status: 502, code: 'upstream_error', charged: true },
    ],
    [
      'not modified',
      Buffer.from('HTTP/1.1 304 Not Modified\r\n\r\n'),
      { status: 502, code: 'upstream_error', charged: true },
    ],
    [
      '1xx and nothing more',
      Buffer.from('HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n'),
      { status: 504, code: 'upstream_timeout', charged: true },
    ],
    [
      'nothing, and a closed connection',
      Buffer.from(''),
      { status: 502, code: 'upstream_unreachable', charged: false, closes: true },
    ],
    ['a stream for a plain call', sized(sse, events), { status: 502, code: 'upstream_error', charged: true }],
    [
      'JSON for a stream',
      sized(json, answer),
      { status: 502, code: 'upstream_error', charged: true, stream: true },
    ],
    [
      'a stream in gzip, though identity was asked',
      sized(`${sse}Content-Encoding: gzip\r\n`, gzipSync(events)),
      { status: 502, code: 'upstream_error', charged: true, stream: true },
    ],
    [
      'a length that is never reached, and a closed connection',
      Buffer.from(`${json}Content-Length: 9999\r\n\r\n${answer}`),
      { status: 502, code: 'upstream_error', charged: true, closes: true },
    ],
  ])('%s', async (_, bytes, { status, code, charged, closes = false, stream = false }) => {
    upstream.answers(bytes, closes);
    const { reply, entry } = await called({ stream });
    expect([reply.status, errorOf(reply).code]).toEqual([status, code]);
    expect(entry).toMatchObject({ outcome: 'error', error_code: code });
    expect(entry.input_tokens > 0).toBe(charged);
  });
});

describe('is passed on', () => {
  it.each<[string, Buffer]>([
    ['64 kB of headers', sized(`${json}X: ${'x'.repeat(64_000)}\r\n`, answer)],
    ['400 headers', sized(json + Array.from({ length: 400 }, (_, n) => `X-${n}: y\r\n`).join(''), answer)],
    ['a header with bytes beyond ASCII', sized(`${json}X: \u00e9\u00ff\r\n`, answer)],
    [
      'answers before the answer',
      Buffer.concat([
        Buffer.from('HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n'.repeat(50)),
        sized(json, answer),
      ]),
    ],
    ['no content type', sized(ok, answer)],
    ['identity, said so', sized(`${json}Content-Encoding: identity\r\n`, answer)],
    [
      'trailers',
      Buffer.from(
        `${json}Transfer-Encoding: chunked\r\nTrailer: X\r\n\r\n${answer.length.toString(16)}\r\n${answer}\r\n0\r\nX: y\r\n\r\n`,
      ),
    ],
    ['an answer that ends with its connection', Buffer.from(`${json}Connection: close\r\n\r\n${answer}`)],
  ])('%s', async (what, bytes) => {
    upstream.answers(bytes, what.includes('connection'));
    const { reply, entry } = await called();
    expect([reply.status, reply.text]).toEqual([200, answer]);
    expect([...reply.headers.keys()].filter((name) => /^(?:x|x-\d+|link|trailer)$/.test(name))).toEqual([]);
    expect(entry).toMatchObject({ outcome: 'ok', usage: 'reported', input_tokens: 7, output_tokens: 5 });
  });

  it('gzip though identity was asked: its usage cannot be read, so it is estimated, and not at nothing', async () => {
    const zipped = gzipSync(answer);
    upstream.answers(sized(`${json}Content-Encoding: gzip\r\n`, zipped));
    const { reply, entry } = await called();
    expect([reply.status, reply.text]).toEqual([200, answer]); // fetch undoes it
    expect(reply.headers.get('content-encoding')).toBe('gzip');
    expect(entry).toMatchObject({ outcome: 'ok', usage: 'estimated' });
    expect(entry.output_tokens).toBe(Math.ceil(zipped.length / 4));
  });
});

describe('100 MB of answer to a slow reader', () => {
  const part = Buffer.alloc(100_000, 'x');
  const parts = 1_000;
  /** What waits in the gateway for its reader: what came in one turn, after the reader had enough. */
  const heldAtMostBytes = 1_048_576;
  let standIn: StandIn;
  let slow: TestGateway;
  let token: IssuedToken;
  let sentBytes = 0;

  beforeAll(async () => {
    standIn = await startStandIn();
    slow = await startGateway({ upstream: standIn, env: { READER_TIMEOUT_MS: '20000' } });
    token = await slow.issue();
  });
  afterEach(() => standIn.script(null));
  afterAll(async () => {
    await slow.close();
    await standIn.close();
  });

  it.each([
    ['plain', 'application/json', '{"data":"', `"}`],
    ['streamed', 'text/event-stream', 'data: {"a":"', `"}\n\n${doneFrame}`],
  ])(
    '%s: the upstream waits, memory is bounded, and every byte arrives',
    async (kind, type, first, last) => {
      sentBytes = 0;
      standIn.script(async (_request, response) => {
        response.writeHead(200, { 'content-type': type });
        await write(response, first);
        for (let n = 0; n < parts && !response.destroyed; n += 1) {
          sentBytes += part.length;
          await write(response, part);
        }
        response.end(last);
        return true;
      });
      const residentBefore = process.memoryUsage().rss;
      let answered: ServerResponse | undefined;
      slow.server.once('request', (_, response) => (answered = response));
      const reply = await open(`${slow.url}${paths.chat}`, bodies.chat({ stream: kind === 'streamed' }), {
        token: token.text,
      });
      let seen = -1;
      const heldBack = (): boolean => {
        const still = sentBytes > 0 && sentBytes === seen;
        seen = sentBytes;
        return still;
      };
      await waitFor(heldBack, { what: 'the upstream to be held back', everyMs: 300 });
      // How much the system's own socket buffers take, on both sides of the gateway, is the system's affair.
      expect(sentBytes).toBeLessThan(parts * part.length);
      expect(answered?.writableLength).toBeLessThan(heldAtMostBytes);
      expect(process.memoryUsage().rss - residentBefore).toBeLessThan(100_000_000);

      const expected = createHash('sha256').update(first);
      for (let n = 0; n < parts; n += 1) expected.update(part);
      const received = createHash('sha256');
      for await (const bytes of reply.body ?? []) received.update(bytes);
      expect(received.digest('hex')).toBe(expected.update(last).digest('hex'));
      await slow.settled(token.team, kind === 'plain' ? 1 : 2);
    },
    30_000,
  );
});

it('an upstream that answers before it has read the body, and closes, is heard', async () => {
  upstream.answers(
    sized(
      'HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nConnection: close\r\n',
      '{"error":{"message":"too long"}}',
    ),
    true,
  );
  const { reply, entry } = await called({ messages: [{ role: 'user', content: 'x'.repeat(1_000_000) }] });
  expect([reply.status, errorOf(reply).message]).toEqual([400, 'too long']);
  expect(entry).toMatchObject({ outcome: 'error', input_tokens: 0 });
});

it('a stream whose upstream writes on behind [DONE] is ended there', async () => {
  upstream.answers(Buffer.from(`${sse}\r\n${events}`), true);
  const token = await gateway.issue();
  const stream = readStream(
    await open(`${gateway.url}${paths.chat}`, bodies.chat({ stream: true }), { token: token.text }),
  );
  expect(await stream.rest()).toBe('clean');
  expect(stream.text()).toBe(events);
});
