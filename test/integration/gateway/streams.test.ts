import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { respond, streamFrames } from '../../support/upstream-scripts.ts';
import { write } from '../../../src/demo/connection.ts';
import { type Script, startStandIn, type StandIn } from '../../support/stand-in.ts';
import { startGateway, type IssuedToken, type TestGateway } from '../../support/gateway.ts';
import { bodies, open, paths, post, readStream, type Reply } from '../../support/gateway-client.ts';
import { waitFor } from '../../support/wait-for.ts';

const sse = { 'content-type': 'text/event-stream' };
const keepAlive = ': keep-alive\n\n';
const chunk = (content: string, more: object = {}): string =>
  JSON.stringify({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta: { content }, finish_reason: '' }],
    usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 },
    ...more,
  });
const reported = { prompt_tokens: 14, completion_tokens: 51, total_tokens: 65 };
const heroku = (data: string): string => `event:message\ndata:${data}\n\n`;
const done = 'event:done\ndata:[DONE]\n\n';

let upstream: StandIn;
let gateway: TestGateway;
let token: IssuedToken;
const closing: (() => Promise<void>)[] = [];

async function start(env: Record<string, string> = {}): Promise<void> {
  gateway = await startGateway({ upstream, env });
  const started = gateway;
  closing.push(() => started.close());
  token = await gateway.issue();
}

beforeEach(async () => {
  upstream = await startStandIn();
});

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  await upstream.close();
});

const openStream = (): Promise<Response> =>
  open(`${gateway.url}${paths.chat}`, bodies.chat({ stream: true }), {
    token: token.text,
  });
const stream = (): Promise<Reply> =>
  post(`${gateway.url}${paths.chat}`, bodies.chat({ stream: true }), { token: token.text });

/** Answers with a stream that `run` writes, and says when a request has come. */
function streaming(run: (res: ServerResponse) => Promise<void>): Script {
  return async (_req, res) => {
    res.writeHead(200, sse);
    await run(res);
    return true;
  };
}

describe('bytes', () => {
  const fixtures = {
    'as Heroku sends it': heroku(chunk('Hel')) + heroku(chunk('lo', { usage: reported })) + done,
    'as OpenAI sends it': `data: ${chunk('Hello')}\n\ndata: ${chunk('', { choices: [], usage: reported })}\n\ndata: [DONE]\n\n`,
    'with CRLF': (heroku(chunk('Hi', { usage: reported })) + done).replaceAll('\n', '\r\n'),
    'with comments, ids, retries and several data lines': `: hello\n\nretry: 10\nid: 1\ndata: {"choices":\ndata: [{"delta":{"content":"x"}}],"usage":${JSON.stringify(reported)}}\n\n${done}`,
    'of many scripts':
      heroku(chunk('日本語 😀 \\u2028 ünïcödé')) + heroku(chunk('', { usage: reported })) + done,
    'without its last blank line': heroku(chunk('x', { usage: reported })) + 'data: [DONE]',
    'with bytes after its end': heroku(chunk('x', { usage: reported })) + done + ': bye\n\n',
  };
  const chunkings: Record<string, (bytes: Buffer) => Buffer[]> = {
    whole: (bytes) => [bytes],
    'by bytes': (bytes) => Array.from(bytes, (byte) => Buffer.from([byte])),
    'by sevens': (bytes) => pieces(bytes, 7),
    'by hundreds': (bytes) => pieces(bytes, 100),
  };

  for (const [name, text] of Object.entries(fixtures)) {
    it.each(Object.entries(chunkings))(`are those of the upstream: ${name}, %s`, async (_, split) => {
      await start();
      upstream.script(streamFrames(split(Buffer.from(text))));
      const reply = await stream();
      expect(reply.text).toBe(text);
      expect(reply.status).toBe(200);
      expect(reply.headers.get('content-type')).toBe('text/event-stream');
      const [entry] = await gateway.settled(token.team, 1);
      expect(entry).toMatchObject({
        outcome: 'ok',
        usage: 'reported',
        input_tokens: 14,
        output_tokens: 51,
        stream: true,
        error_code: null,
      });
    });
  }

  it('keep the content type the upstream gave', async () => {
    await start();
    const headers = { 'content-type': 'text/event-stream; charset=utf-8' };
    upstream.script(streamFrames([heroku(chunk('x')), done], { headers }));
    expect((await stream()).headers.get('content-type')).toBe(headers['content-type']);
  });

  it('go on at once: the second event only exists after the caller has the first', async () => {
    await start();
    const seen = Promise.withResolvers<void>();
    upstream.script(
      streaming(async (res) => {
        res.write(heroku(chunk('first')));
        await seen.promise;
        res.end(heroku(chunk('second')) + done);
      }),
    );
    const reading = readStream(await openStream());
    await reading.until('first');
    seen.resolve();
    expect(await reading.rest()).toBe('clean');
    expect(reading.text()).toBe(heroku(chunk('first')) + heroku(chunk('second')) + done);
  });

  it('go on at once: the head before there is any event', async () => {
    await start();
    const seen = Promise.withResolvers<void>();
    upstream.script(
      streaming(async (res) => {
        res.flushHeaders();
        await seen.promise;
        res.end(done);
      }),
    );
    const answer = await openStream();
    expect(answer.status).toBe(200);
    seen.resolve();
    expect(await readStream(answer).rest()).toBe('clean');
  });

  it('go on at once in the middle of an event as well', async () => {
    await start();
    const seen = Promise.withResolvers<void>();
    upstream.script(
      streaming(async (res) => {
        res.write('event:message\ndata:{"half');
        await seen.promise;
        res.end(`":1}\n\n${done}`);
      }),
    );
    const reading = readStream(await openStream());
    await reading.until('"half');
    seen.resolve();
    expect(await reading.rest()).toBe('clean');
  });
});

describe('heartbeats', () => {
  const soon = { FIRST_HEARTBEAT_MS: '150', HEARTBEAT_MS: '100' };

  it('keep a stream that has not begun, and are comments', async () => {
    await start(soon);
    const seen = Promise.withResolvers<void>();
    upstream.script(async (_req, res) => {
      await seen.promise;
      res.writeHead(200, sse).end(heroku(chunk('late')) + done);
      return true;
    });
    const answer = await openStream();
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('text/event-stream');
    const reading = readStream(answer);
    await reading.until(keepAlive + keepAlive);
    seen.resolve();
    expect(await reading.rest()).toBe('clean');
    expect(reading.text().replaceAll(keepAlive, '')).toBe(heroku(chunk('late')) + done);
    expect((await gateway.settled(token.team, 1))[0]).toMatchObject({ outcome: 'ok', status: 200 });
  });

  it('stand between events', async () => {
    await start(soon);
    const seen = Promise.withResolvers<void>();
    upstream.script(
      streaming(async (res) => {
        res.write(heroku(chunk('one')));
        await seen.promise;
        res.end(heroku(chunk('two')) + done);
      }),
    );
    const reading = readStream(await openStream());
    await reading.until(heroku(chunk('one')) + keepAlive + keepAlive);
    seen.resolve();
    expect(await reading.rest()).toBe('clean');
    expect(reading.text().replaceAll(keepAlive, '')).toBe(heroku(chunk('one')) + heroku(chunk('two')) + done);
  });

  it.each([
    ['in a line', 'event:message\ndata:{"a', '":1}\n\n'],
    ['between the lines of an event', 'event:message\n', 'data:{"a":1}\n\n'],
    ['before the blank line', 'data:{"a":1}\n', '\n'],
    ['inside the blank line', 'data:{"a":1}\r\n\r', '\n'],
    [
      'inside a character',
      Buffer.from('data:{"a":"é').subarray(0, -1),
      Buffer.from([0xa9, ...Buffer.from('"}\n\n')]),
    ],
  ])('never stand inside an event: %s', async (_, before, after) => {
    await start(soon);
    const seen = Promise.withResolvers<void>();
    upstream.script(
      streaming(async (res) => {
        res.write(before);
        await seen.promise;
        res.write(after);
        res.end(done);
      }),
    );
    const reading = readStream(await openStream());
    await reading.until(Buffer.from(before).toString('latin1'));
    // Nothing to wait for: it must not come for as long as several would have.
    await new Promise((resolve) => setTimeout(resolve, 450));
    seen.resolve();
    await reading.rest();
    const whole = Buffer.concat([Buffer.from(before), Buffer.from(after), Buffer.from(done)]);
    expect(reading.text()).toBe(whole.toString('latin1'));
  });

  it('do not stand in plain answers', async () => {
    await start(soon);
    upstream.script(async (_req, res) => {
      await new Promise((resolve) => setTimeout(resolve, 400));
      res.writeHead(200, { 'content-type': 'application/json' }).end('{}');
      return true;
    });
    const reply = await post(`${gateway.url}${paths.chat}`, bodies.chat(), { token: token.text });
    expect(reply.text).toBe('{}');
  });

  it.each([
    [
      'an error',
      respond(500, { 'content-type': 'application/json' }, '{"error":{"code":500}}'),
      'upstream_error',
    ],
    ['a 429', respond(429, { 'content-type': 'application/json' }, '{}'), 'upstream_rate_limited'],
    ['something that is no stream', respond(200, { 'content-type': 'text/html' }, '<p>'), 'upstream_error'],
  ])('have begun the answer: then %s is told inside the stream', async (_, answer, code) => {
    await start(soon);
    const seen = Promise.withResolvers<void>();
    upstream.script(async (req, res, body) => {
      await seen.promise;
      return answer(req, res, body);
    });
    const reading = readStream(await openStream());
    await reading.until(keepAlive);
    seen.resolve();
    expect(await reading.rest()).toBe('broken');
    const rest = reading.text().replaceAll(keepAlive, '');
    const [, data = ''] = /^event: error\ndata: (.*)\n\n$/.exec(rest) ?? [];
    expect(JSON.parse(data)).toMatchObject({ error: { code } });
    expect((await gateway.settled(token.team, 1))[0]).toMatchObject({ outcome: 'error', error_code: code });
  });
});

describe('usage', () => {
  const long = 'word '.repeat(40);

  it.each([
    ['in the last chunk', [chunk(long), chunk('', { usage: reported })], 'reported', 14, 51],
    [
      'before zeros',
      [chunk(long, { usage: reported }), chunk('', { choices: [{ finish_reason: 'stop' }] })],
      'reported',
      14,
      51,
    ],
    ['in no chunk', [chunk(long)], 'estimated', null, 50],
    ['null', [chunk(long, { usage: null })], 'estimated', null, 50],
    [
      'nonsense',
      [chunk(long, { usage: { prompt_tokens: -4, completion_tokens: 'x' } })],
      'estimated',
      null,
      50,
    ],
  ] as const)('is read where it stands %s', async (_, chunks, usage, input, output) => {
    await start();
    upstream.script(streamFrames([...chunks.map(heroku), done]));
    await stream();
    const [entry] = await gateway.settled(token.team, 1);
    expect(entry).toMatchObject({ usage, output_tokens: output, outcome: 'ok' });
    // Estimated: what was reserved, a quarter of the bytes sent on.
    const sent = Math.ceil((upstream.requests[0]?.text.length ?? 0) / 4);
    expect(entry?.input_tokens).toBe(input ?? sent);
  });
});

describe('a slow reader', () => {
  const frame = Buffer.from(heroku('x'.repeat(65_000)));
  const frames = 1_200; // some 75 MB: far more than sockets keep

  /** Writes frames as fast as they are taken; says how many bytes were, and whether it had to wait. */
  function firehose(): { script: Script; sent: () => number; waits: () => number } {
    const state = { sent: 0, waits: 0 };
    const script = streaming(async (res) => {
      for (let n = 0; n < frames && !res.destroyed; n += 1) {
        state.sent += frame.length;
        const written = write(res, frame);
        if (res.writableNeedDrain) state.waits += 1;
        await written;
      }
      res.end(done);
    });
    return { script, sent: () => state.sent, waits: () => state.waits };
  }

  it('holds the upstream back, and gets every byte in the end', async () => {
    await start();
    const { script, sent, waits } = firehose();
    upstream.script(script);
    const answer = await openStream();
    let before = -1;
    // Stalled once nothing has moved for a while.
    await waitFor(
      () => {
        const still = sent() > 0 && sent() === before;
        before = sent();
        return still;
      },
      { what: 'the upstream to be held back', everyMs: 300 },
    );
    expect(waits()).toBeGreaterThan(0);
    expect(sent()).toBeLessThan((frames * frame.length) / 2);

    const expected = createHash('sha256');
    for (let n = 0; n < frames; n += 1) expected.update(frame);
    expected.update(done);
    const received = createHash('sha256');
    for await (const part of answer.body ?? []) received.update(part);
    expect(received.digest('hex')).toBe(expected.digest('hex'));
    expect((await gateway.settled(token.team, 1))[0]).toMatchObject({ outcome: 'ok' });
  });

  it('is let go when it takes nothing for READER_TIMEOUT_MS', async () => {
    await start({ READER_TIMEOUT_MS: '400' });
    const { script } = firehose();
    upstream.script(script);
    const answer = await openStream();
    await upstream.waitFor(({ aborted }) => aborted === 1);
    const [entry] = await gateway.settled(token.team, 1);
    expect(entry).toMatchObject({ outcome: 'aborted', usage: 'estimated', status: 200 });
    expect(await readStream(answer).rest()).toBe('broken');
  });
});

function pieces(bytes: Buffer, size: number): Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) =>
    bytes.subarray(n * size, (n + 1) * size),
  );
}
