import { request } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import OpenAI from 'openai';
import { systemClock } from '../../../src/base/clock.ts';
import {
  hang,
  jsonStringError,
  resetAfter,
  resetBeforeAnswer,
  respond,
  slowFirstByte,
  streamFrames,
  wafPage,
} from '../../support/upstream-scripts.ts';
import { type StandIn, startStandIn, type StandInOptions } from '../../support/stand-in.ts';

let running: StandIn[] = [];

async function start(options: StandInOptions = {}): Promise<StandIn> {
  const standIn = await startStandIn({ wordDelayMs: 0, ...options });
  running.push(standIn);
  return standIn;
}

afterEach(async () => {
  await Promise.all(running.map((standIn) => standIn.close()));
  running = [];
});

const hello = { model: 'm', messages: [{ role: 'user', content: 'Hi' }] };

function call(
  standIn: StandIn,
  body: unknown,
  {
    path = '/v1/chat/completions',
    key = standIn.key,
    signal,
  }: { path?: string; key?: string; signal?: AbortSignal } = {},
): Promise<Response> {
  return fetch(`${standIn.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}` },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...(signal ? { signal } : {}),
  });
}

describe('the stand-in', () => {
  it('answers whatever the content type says, and records what it was asked', async () => {
    const standIn = await start({ clock: { now: () => 1_700_000_000_999, monotonic: () => 0 } });
    const response = await call(standIn, hello);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(await response.json()).toMatchObject({ object: 'chat.completion', created: 1_700_000_000 });
    expect(standIn.requests).toMatchObject([
      {
        method: 'POST',
        path: '/v1/chat/completions',
        headers: { authorization: `Bearer ${standIn.key}`, 'content-type': 'text/plain;charset=UTF-8' },
        body: hello,
        text: JSON.stringify(hello),
      },
    ]);
  });

  it('streams the frames as they are', async () => {
    const standIn = await start({ wordDelayMs: 1 });
    const response = await call(standIn, { ...hello, stream: true });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    const text = await response.text();
    expect(text).toMatch(/^event:message\ndata:\{"id":"chatcmpl-000001",/);
    expect(text.endsWith('\n\nevent:done\ndata:[DONE]\n\n')).toBe(true);
  });

  it('sends what a gateway must not pass on', async () => {
    const standIn = await start();
    const { headers } = await call(standIn, hello);
    expect(headers.get('x-ratelimit-remaining-requests')).toBe('149');
    expect(headers.get('x-ratelimit-reset-tokens')).toBe('51s');
    expect(headers.getSetCookie()).toHaveLength(1);
  });

  it.each(['', 'wrong', 'constructor'])('refuses the key %j with an integer code', async (key) => {
    const response = await call(await start(), hello, { key });
    expect(response.status).toBe(401);
    expect(await response.json()).toEqual({
      error: { code: 401, message: expect.any(String), type: 'authentication_error' },
    });
  });

  it('refuses another model to the key of a per-model plan', async () => {
    const standIn = await start({ modelKeys: { 'inf-one': 'm' } });
    expect((await call(standIn, hello, { key: 'inf-one' })).status).toBe(200);
    const response = await call(standIn, { ...hello, model: 'other' }, { key: 'inf-one' });
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ error: { type: 'authorization_error' } });
  });

  it('lists its models to anybody', async () => {
    const response = await fetch(`${(await start()).url}/available-models`);
    expect(await response.json()).toContainEqual(
      expect.objectContaining({ model_id: 'claude-4-sonnet', type: ['text-to-text'] }),
    );
  });

  it.each([
    ['not JSON', 'nonsense', '/v1/chat/completions', 400],
    ['not an object', '[]', '/v1/embeddings', 400],
    ['no endpoint', hello, '/v1/elsewhere', 404],
  ])('refuses what is %s', async (_, body, path, status) => {
    expect((await call(await start(), body, { path })).status).toBe(status);
  });

  it('serves the official client', async () => {
    const standIn = await start();
    const client = new OpenAI({ apiKey: standIn.key, baseURL: `${standIn.url}/v1`, maxRetries: 0 });
    const messages = [{ role: 'user' as const, content: 'Hi' }];
    const plain = await client.chat.completions.create({ model: 'm', messages });
    let streamed = '';
    for await (const chunk of await client.chat.completions.create({ model: 'm', messages, stream: true })) {
      streamed += chunk.choices[0]?.delta.content ?? '';
    }
    expect(streamed).toBe(plain.choices[0]?.message.content);
    const embeddings = await client.embeddings.create({ model: 'e', input: ['a', 'b'] });
    expect(embeddings.data.map((each) => each.embedding.length)).toEqual([8, 8]);
    const images = await client.images.generate({ model: 'i', prompt: 'p' });
    expect(images.data?.[0]?.b64_json).toMatch(/^iVBOR/);
  });

  it('counts what is open, and what its caller left', async () => {
    const standIn = await start();
    standIn.script(hang());
    const abort = new AbortController();
    const calls = [
      call(standIn, hello, { signal: abort.signal }),
      call(standIn, hello, { signal: abort.signal }),
    ];
    const outcome = Promise.allSettled(calls);
    await standIn.waitFor(({ open, requests }) => open === 2 && requests.length === 2);
    expect(standIn.aborted).toBe(0);
    abort.abort();
    await standIn.waitFor(({ aborted, open }) => aborted === 2 && open === 0);
    expect((await outcome).map((each) => each.status)).toEqual(['rejected', 'rejected']);
  });

  it('does not count an answer that was read to its end as left', async () => {
    const standIn = await start();
    await (await call(standIn, { ...hello, stream: true })).text();
    await standIn.waitFor(({ open }) => open === 0);
    expect(standIn.aborted).toBe(0);
  });

  it('says so when what is waited for does not come', async () => {
    const standIn = await start();
    await expect(standIn.waitFor(() => false, 10)).rejects.toThrow('within 10 ms');
    expect(standIn.events.listenerCount('change')).toBe(0);
  });

  it('destroys what is open when it closes', async () => {
    const standIn = await start();
    standIn.script(hang());
    const outcome = call(standIn, hello).then(
      () => 'answered',
      () => 'broken off',
    );
    await standIn.waitFor(({ requests }) => requests.length === 1);
    await standIn.close();
    expect(await outcome).toBe('broken off');
  });
});

describe('a script', () => {
  it('sees every request first, before the key is looked at, and can be taken off', async () => {
    const standIn = await start();
    standIn.script((_req, res, body) => {
      res.end(JSON.stringify(body));
      return true;
    });
    expect(await (await call(standIn, { a: 1 }, { key: 'wrong' })).json()).toEqual({ a: 1 });
    standIn.script(null);
    expect((await call(standIn, hello)).status).toBe(200);
  });

  it('leaves the answer to the stand-in unless it says true', async () => {
    const standIn = await start();
    let seen: unknown = null;
    standIn.script((_req, _res, body) => {
      seen = body;
      return undefined;
    });
    expect((await call(standIn, hello)).status).toBe(200);
    expect(seen).toEqual(hello);
  });

  it('that throws shows in the answer', async () => {
    const standIn = await start();
    standIn.script(() => {
      throw new Error('a mistake in the test');
    });
    const response = await call(standIn, hello);
    expect(response.status).toBe(500);
    expect(await response.text()).toContain('a mistake in the test');
  });

  it('can answer with anything', async () => {
    const standIn = await start();
    standIn.script(respond(418, { 'x-kettle': 'on' }, 'tea'));
    const response = await call(standIn, hello);
    expect([response.status, response.headers.get('x-kettle'), await response.text()]).toEqual([
      418,
      'on',
      'tea',
    ]);
  });

  it('can be a firewall', async () => {
    const standIn = await start();
    standIn.script(wafPage());
    const response = await call(standIn, hello);
    expect([response.status, response.headers.get('content-type')]).toEqual([403, 'text/html']);
    expect(await response.text()).toMatch(/^<html>/);
  });

  it('can answer with an error that is a string', async () => {
    const standIn = await start();
    standIn.script(jsonStringError());
    const response = await call(standIn, hello);
    expect([response.status, await response.json()]).toEqual([500, { error: 'Failed to execute chat' }]);
  });

  it('can reset the connection before an answer, which is not the caller leaving', async () => {
    const standIn = await start();
    standIn.script(resetBeforeAnswer());
    await expect(call(standIn, hello)).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } });
    await standIn.waitFor(({ open }) => open === 0);
    expect(standIn.aborted).toBe(0);
  });

  it('can break off after some bytes, all of which arrive', async () => {
    const standIn = await start();
    const bytes = `event:message\ndata:{}\n\n`.repeat(1000);
    standIn.script(resetAfter(bytes));
    const { received, complete } = await readRaw(standIn);
    expect(received).toBe(bytes);
    expect(complete).toBe(false);
    await standIn.waitFor(({ open }) => open === 0);
    expect(standIn.aborted).toBe(0);
  });

  it('can stream any bytes, each frame in a write of its own', async () => {
    const standIn = await start();
    const frames = ['data: {"a":1}\r\n\r\n', Buffer.from([0xf0, 0x9f]), Buffer.from([0x98, 0x80]), ': c\n\n'];
    standIn.script(streamFrames(frames, { delayMs: 5 }));
    const { chunks, received, complete } = await readRaw(standIn);
    expect(chunks).toBe(4);
    expect(received).toBe('data: {"a":1}\r\n\r\n😀: c\n\n');
    expect(complete).toBe(true);
  });

  it('can keep a stream open and silent after its frames', async () => {
    const standIn = await start();
    standIn.script(streamFrames(['data:1\n\n'], { end: false }));
    const abort = new AbortController();
    const response = await call(standIn, hello, { signal: abort.signal });
    const reader = response.body?.getReader();
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe('data:1\n\n');
    expect(standIn.open).toBe(1);
    abort.abort();
    await standIn.waitFor(({ aborted }) => aborted === 1);
  });

  it('stops streaming to a caller that does not read, and notices its leaving', async () => {
    const standIn = await start();
    let sent = 0;
    function* frames(): Generator<Uint8Array> {
      for (; sent < 1000; sent += 1) yield Buffer.alloc(1_048_576);
    }
    standIn.script(streamFrames(frames()));
    const abort = new AbortController();
    await call(standIn, hello, { signal: abort.signal });
    abort.abort();
    await standIn.waitFor(({ aborted }) => aborted === 1);
    expect(sent).toBeLessThan(100);
  });

  it('can keep the caller waiting, and then the stand-in answers', async () => {
    const standIn = await start();
    standIn.script(slowFirstByte(30));
    const startedAt = systemClock.monotonic();
    expect((await call(standIn, hello)).status).toBe(200);
    expect(systemClock.monotonic() - startedAt).toBeGreaterThanOrEqual(25);
  });

  it('can keep waiting a caller that leaves', async () => {
    const standIn = await start();
    standIn.script(slowFirstByte(60_000));
    const abort = new AbortController();
    const outcome = call(standIn, hello, { signal: abort.signal }).catch(() => 'left');
    await standIn.waitFor(({ requests }) => requests.length === 1);
    abort.abort();
    await standIn.waitFor(({ aborted }) => aborted === 1);
    expect(await outcome).toBe('left');
  });
});

/** Reads an answer to its end or its breaking off, chunk by chunk. */
function readRaw(standIn: StandIn): Promise<{ received: string; chunks: number; complete: boolean }> {
  return new Promise((resolve, reject) => {
    const req = request(`${standIn.url}/v1/chat/completions`, { method: 'POST' }, (res) => {
      const parts: Buffer[] = [];
      res.on('data', (part: Buffer) => parts.push(part));
      res.on('error', () => undefined);
      res.on('close', () =>
        resolve({ received: Buffer.concat(parts).toString(), chunks: parts.length, complete: res.complete }),
      );
    });
    req.on('error', reject);
    req.end('{}');
  });
}
