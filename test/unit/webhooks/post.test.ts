import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { destinationIn } from '../../../src/webhooks/destination-url.ts';
import { post } from '../../../src/webhooks/post.ts';
import { type Resolve, systemResolve } from '../../../src/webhooks/resolve.ts';
import type { TryOutcome } from '../../../src/webhooks/try-outcome.ts';
import { freePort } from '../../support/free-port.ts';
import { startReceiver, type WebhookReceiver } from '../../support/webhook-receiver.ts';

const patientMs = 60_000;

describe('sending a message', () => {
  let receiver: WebhookReceiver;
  const opened: Server[] = [];
  beforeAll(async () => {
    receiver = await startReceiver();
  });
  afterAll(() => receiver.close());
  afterEach(() => {
    receiver.received.length = 0;
    receiver.answer = (response) => response.writeHead(204).end();
    for (const server of opened.splice(0)) server.close();
  });

  const send = (
    url: string,
    { resolve = systemResolve, timeoutMs = patientMs, privateHosts = [] as string[] } = {},
  ): Promise<TryOutcome> => {
    const read = destinationIn(url, new Set(privateHosts));
    if (!read.ok) throw new Error(read.problem);
    const message = {
      headers: { 'content-type': 'application/json', 'webhook-id': 'evt_1' },
      body: '{"a":"ä"}',
    };
    return post(read.destination, message, { resolve, timeoutMs, wallMs: Date.now() });
  };
  /** To the receiver, whose name the operator trusts. */
  const toReceiver = (options: { resolve?: Resolve; timeoutMs?: number } = {}, url = receiver.url) =>
    send(url, { ...options, privateHosts: [new URL(url).host] });
  /** The port of a server that does this with a connection. */
  const serverThat = async (does: (socket: Socket) => void): Promise<string> => {
    const server = createServer(does).listen(0, '127.0.0.1');
    opened.push(server);
    await once(server, 'listening');
    return `127.0.0.1:${(server.address() as AddressInfo).port}`; // it listens on a port
  };

  it('brings it, with its headers and the name as Host', async () => {
    const { port } = new URL(receiver.url);
    const url = `http://hooks.test:${port}/in?key=1`;
    expect(await toReceiver({ resolve: () => Promise.resolve(['127.0.0.1']) }, url)).toEqual({
      kind: 'taken',
      status: 204,
    });
    expect(receiver.received).toMatchObject([
      {
        path: '/in?key=1',
        body: '{"a":"ä"}',
        headers: { host: `hooks.test:${port}`, 'webhook-id': 'evt_1' },
      },
    ]);
  });

  it.each([
    ['loopback', ['127.0.0.1']],
    ['a cloud that answers for credentials', ['169.254.169.254']],
    ['loopback, beside a public one', ['1.1.1.1', '127.0.0.1']],
    ['loopback in IPv6', ['::1']],
    ['loopback, mapped', ['::ffff:127.0.0.1']],
    ['no address at all', ['localhost']],
  ])('does not reach a name that stands for %s', async (_what, addresses) => {
    const { port } = new URL(receiver.url);
    const outcome = await send(`https://hooks.test:${port}/`, { resolve: () => Promise.resolve(addresses) });
    expect(outcome).toMatchObject({ kind: 'failed', error: 'refused_address' });
    expect(receiver.received).toEqual([]);
  });

  it('connects to the address that was checked, whatever the name stands for later', async () => {
    let asked = 0;
    const resolve: Resolve = () => Promise.resolve(asked++ === 0 ? ['203.0.113.1'] : ['127.0.0.1']);
    const { port } = new URL(receiver.url);
    // As a trusted name, so that the first address may be a reserved one, where nobody answers.
    const outcome = await toReceiver({ resolve, timeoutMs: 500 }, `http://rebinding.test:${port}/`);
    expect(outcome.kind).toBe('failed');
    expect(asked).toBe(1);
    expect(receiver.received).toEqual([]);
  });

  it('says that a name stands for nothing', async () => {
    const fails: Resolve = () => Promise.reject(new Error('ENOTFOUND'));
    expect(await send('https://hooks.test/', { resolve: fails })).toMatchObject({ error: 'unresolvable' });
    expect(await send('https://hooks.test/', { resolve: () => Promise.resolve([]) })).toMatchObject({
      error: 'unresolvable',
    });
  });

  it('follows no redirect', async () => {
    receiver.answer = (response) => response.writeHead(307, { location: `${receiver.url}/other` }).end();
    expect(await toReceiver()).toEqual({
      kind: 'failed',
      status: 307,
      error: 'redirect',
      retryAfterMs: null,
    });
    expect(receiver.received).toHaveLength(1);
  });

  it.each([
    [200, {}, { kind: 'taken', status: 200 }],
    [202, {}, { kind: 'taken', status: 202 }],
    [400, {}, { kind: 'failed', status: 400, error: 'status', retryAfterMs: null }],
    [410, {}, { kind: 'gone', status: 410 }],
    [500, { 'retry-after': '60' }, { kind: 'failed', status: 500, error: 'status', retryAfterMs: null }],
    [503, { 'retry-after': '60' }, { kind: 'failed', status: 503, error: 'status', retryAfterMs: 60_000 }],
    [429, { 'retry-after': '7' }, { kind: 'failed', status: 429, error: 'status', retryAfterMs: 7_000 }],
  ])('takes %d for what it is', async (status, headers, outcome) => {
    receiver.answer = (response) => response.writeHead(status, headers).end('ok');
    expect(await toReceiver()).toEqual(outcome);
  });

  it('reads 64 kB of an answer, and takes a longer one for a failure', async () => {
    receiver.answer = (response) => response.writeHead(200).end('a'.repeat(65_536));
    expect(await toReceiver()).toEqual({ kind: 'taken', status: 200 });
    receiver.answer = (response) => response.writeHead(200).end('a'.repeat(1_048_576));
    expect(await toReceiver()).toMatchObject({ status: 200, error: 'too_long' });
  });

  it.each([
    ['before its head', (_response: ServerResponse) => undefined],
    ['in its body', (response: ServerResponse) => void response.writeHead(200).write('a')],
  ])('ends in time if the answer stops %s', async (_where, answer) => {
    receiver.answer = answer;
    expect(await toReceiver({ timeoutMs: 200 })).toMatchObject({ status: null, error: 'timeout' });
  });

  it('ends in time if the name server does not answer', async () => {
    const never: Resolve = () => new Promise(() => undefined);
    expect(await send('https://hooks.test/', { resolve: never, timeoutMs: 50 })).toMatchObject({
      error: 'timeout',
    });
  });

  it('takes an answer that breaks off for a failure', async () => {
    receiver.answer = (response) => {
      response.writeHead(200, { 'content-length': '100' }).write('a', () => response.destroy());
    };
    expect(await toReceiver()).toMatchObject({ status: null, error: 'reset' });
    const host = await serverThat((socket) => socket.destroy());
    expect(await toReceiver({}, `http://${host}/`)).toMatchObject({ error: 'reset' });
  });

  it('says that nobody listens, that it is not HTTP, and that it is not TLS', async () => {
    const host = await serverThat((socket) => void socket.resume().end('hello\r\n\r\n'));
    expect(await toReceiver({}, `http://${host}/`)).toMatchObject({ error: 'not_http' });
    expect(await toReceiver({}, `https://${host}/`)).toMatchObject({ error: 'tls' });
    const port = await freePort();
    expect(await toReceiver({}, `http://127.0.0.1:${port}/`)).toMatchObject({ error: 'unreachable' });
  });
});
