import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import {
  createHttpServer,
  type HttpServer,
  type HttpServerOptions,
} from '../../../src/lifecycle/http-server.ts';
import { MemoryBudget } from '../../../src/memory/budget.ts';
import {
  connectRaw,
  parseResponse,
  rawRequest,
  requestText,
  type RawConnection,
} from '../../support/http.ts';
import { waitFor, within } from '../../support/wait-for.ts';

interface Started {
  port: number;
  http: HttpServer;
  /** The targets of the requests that reached the routes. */
  routed: string[];
  refused: string[];
}

const running: HttpServer[] = [];
const opened: RawConnection[] = [];
const ok: RequestListener = (_request, response) => void response.end('ok');

async function start(
  listener: RequestListener = ok,
  options: Partial<HttpServerOptions> = {},
): Promise<Started> {
  const routed: string[] = [];
  const refused: string[] = [];
  const http = createHttpServer({
    bodyTimeoutMs: 5_000,
    onRefused: ({ code }) => refused.push(code),
    listener: (request, response) => {
      routed.push(request.url ?? '');
      listener(request, response);
    },
    ...options,
  });
  running.push(http);
  const { port } = await http.listen({ port: 0, host: '127.0.0.1' });
  return { port, http, routed, refused };
}

async function open(port: number): Promise<RawConnection> {
  const connection = await connectRaw(port);
  opened.push(connection);
  return connection;
}

/** The refusal in the bytes, checked for the shape every error has. */
function refusalIn(bytes: Buffer): { status: number; code: string; param: unknown } {
  const response = parseResponse(bytes);
  expect(response.header('content-type')).toBe('application/json');
  expect(response.header('connection')).toBe('close');
  expect(response.header('content-length')).toBe(String(response.body.length));
  const { error } = JSON.parse(response.body.toString()) as { error: Record<string, unknown> };
  expect(error).toMatchObject({ message: expect.any(String), type: 'invalid_request_error' });
  expect(error['request_id']).toBe(response.header('x-request-id'));
  return { status: response.status, code: String(error['code']), param: error['param'] };
}

afterEach(async () => {
  for (const connection of opened.splice(0)) connection.destroy();
  for (const http of running.splice(0)) {
    http.cut();
    await http.drain();
  }
});

describe('what never reaches the routes gets the JSON shape', () => {
  it.each([
    ['a line that is no request', 'hello there\r\n\r\n'],
    ['an unknown method', 'FETCH / HTTP/1.1\r\nhost: a\r\n\r\n'],
    ['HTTP/2 by prior knowledge', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['a TLS hello', '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\r\n\r\n'],
    ['a header without a colon', 'GET / HTTP/1.1\r\nhost: a\r\nnonsense\r\n\r\n'],
    ['a space before the colon', 'GET / HTTP/1.1\r\nhost: a\r\nx-api-key : b\r\n\r\n'],
    ['a bare CR in a header', 'GET / HTTP/1.1\r\nhost: a\r\nx: b\rc\r\n\r\n'],
    [
      'two Content-Lengths',
      'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nabc',
    ],
    [
      'Content-Length with Transfer-Encoding',
      'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['a Content-Length that is no number', 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1e3\r\n\r\n'],
  ])('%s: 400 invalid_request', async (_what, text) => {
    const { port, routed, refused } = await start();
    const seen = refusalIn(await rawRequest(port, text));
    expect(seen).toMatchObject({ status: 400, code: 'invalid_request' });
    expect(refused).toEqual(['invalid_request']);
    expect(routed).toEqual([]);
  });

  it.each([
    ['a line that is no request', 'hello there\r\n\r\n', true],
    ['headers over 16 KiB', `GET /admin HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(17_000)}\r\n\r\n`, true],
    ['a head that does not arrive', 'GET /v1/models HTTP/1.1\r\nhost: a\r\n', true],
    ['a body that does not arrive', 'POST /v1/x HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nx', true],
    ['a body of /admin', 'POST /admin/x HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nx', false],
    ['a bad Host', 'GET /v1/models?a HTTP/1.1\r\nhost: a b\r\n\r\n', true],
    ['a bad Host of /admin', 'GET /admin/teams HTTP/1.1\r\nhost: a b\r\n\r\n', false],
    ['a coding', 'POST /v1/x HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip, chunked\r\n\r\n', true],
    ['an expectation', 'POST /v1/x HTTP/1.1\r\nhost: a\r\nexpect: miracles\r\n\r\n', true],
    ['CONNECT', 'CONNECT a:443 HTTP/1.1\r\nhost: a:443\r\n\r\n', true],
  ])('%s: a page may read it: its path is under /v1, or unknown', async (_what, text, forPages) => {
    const { port } = await start(() => undefined, { bodyTimeoutMs: 100 });
    const response = parseResponse(await rawRequest(port, text));
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(response.header('access-control-allow-origin')).toBe(forPages ? '*' : undefined);
    const exposed = response.header('access-control-expose-headers');
    if (forPages) expect(exposed).toContain('x-request-id');
    else expect(exposed).toBeUndefined();
  });

  it.each([
    ['missing', ''],
    ['empty', 'host:\r\n'],
    ['not a name', 'host: a b\r\n'],
    ['with a path', 'host: a/b\r\n'],
    ['with user information', 'host: user@a\r\n'],
    ['sent twice', 'host: a\r\nhost: b\r\n'],
  ])('a Host that is %s: 400 naming it', async (_what, header) => {
    const { port, routed, refused } = await start();
    const seen = refusalIn(await rawRequest(port, `GET / HTTP/1.1\r\n${header}\r\n`));
    expect(seen).toEqual({ status: 400, code: 'invalid_request', param: 'host' });
    expect(refused).toEqual(['invalid_request']);
    expect(routed).toEqual([]);
  });

  it.each(['a', 'example.com:443', '127.0.0.1:3000', '[::1]:3000', 'my_app-1.herokuapp.com'])(
    'a Host %s is let through',
    async (host) => {
      const { port } = await start();
      const bytes = await rawRequest(port, requestText({ path: '/', headers: { host } }));
      expect(parseResponse(bytes).status).toBe(200);
    },
  );

  it('HTTP/1.0 needs no Host', async () => {
    const { port } = await start((request, response) => void response.end(request.headers.host));
    const response = parseResponse(await rawRequest(port, 'GET / HTTP/1.0\r\n\r\n'));
    expect([response.status, response.body.toString()]).toEqual([200, 'localhost']);
  });

  it.each([
    ['headers', `GET / HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(17_000)}\r\n\r\n`],
    ['a request line', `GET /${'y'.repeat(17_000)} HTTP/1.1\r\nhost: a\r\n\r\n`],
  ])('%s over 16 KiB: 431 headers_too_large', async (_what, text) => {
    const { port, refused } = await start();
    expect(refusalIn(await rawRequest(port, text))).toMatchObject({ status: 431, code: 'headers_too_large' });
    expect(refused).toEqual(['headers_too_large']);
  });

  it.each(['miracles', '100-continue, miracles', 'x-100-continue', '200-ok'])(
    'an Expect that says %s: 417',
    async (expected) => {
      const { port, routed, refused } = await start();
      const head = `POST / HTTP/1.1\r\nhost: a\r\nexpect: ${expected}\r\ncontent-length: 1\r\n\r\nx`;
      const seen = refusalIn(await rawRequest(port, head));
      expect(seen).toEqual({ status: 417, code: 'expectation_failed', param: 'expect' });
      expect([routed, refused]).toEqual([[], ['expectation_failed']]);
    },
  );

  it.each(['gzip, chunked', 'Deflate,chunked', 'gzip\r\ntransfer-encoding: chunked'])(
    'a Transfer-Encoding of %j: refused, and its body read by nobody',
    async (coding) => {
      const { port, routed } = await start();
      const head = `POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: ${coding}\r\n\r\n1\r\nx\r\n0\r\n\r\n`;
      const answer = parseResponse(await rawRequest(port, head));
      expect(answer.status).toBe(501);
      expect(answer.header('x-should-retry')).toBe('false');
      expect(routed).toEqual([]);
    },
  );

  it.each(['chunked', 'Chunked', ' chunked '])(
    'a Transfer-Encoding of %j reaches the routes',
    async (coding) => {
      const { port, routed } = await start();
      const head = `POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ntransfer-encoding: ${coding}\r\n\r\n0\r\n\r\n`;
      expect(parseResponse(await rawRequest(port, head)).status).toBe(200);
      expect(routed).toEqual(['/']);
    },
  );

  it('headers just under 16 KiB are let through', async () => {
    const { port } = await start();
    const bytes = await rawRequest(port, requestText({ path: '/', headers: { x: 'y'.repeat(15_900) } }));
    expect(parseResponse(bytes).status).toBe(200);
  });

  it('headers that do not come to an end: 408', async () => {
    const { port, refused } = await start(ok, { bodyTimeoutMs: 300 });
    const bytes = await rawRequest(port, 'GET / HTTP/1.1\r\nhost: a\r\n');
    expect(refusalIn(bytes)).toMatchObject({ status: 408, code: 'request_timeout' });
    expect(refused).toEqual(['request_timeout']);
  });

  it('headers that drip in: 408 all the same', async () => {
    const { port } = await start(ok, { bodyTimeoutMs: 300 });
    const connection = await open(port);
    connection.send('GET / HTTP/1.1\r\nhost: a\r\n');
    const drip = setInterval(() => connection.send('x: y\r\n'), 50);
    await connection.until('request_timeout').finally(() => clearInterval(drip));
  });

  it('a body that does not come in: 408, and the connection closes', async () => {
    const { port, routed } = await start(
      (request, response) => {
        request.resume();
        request.on('end', () => response.end('late'));
        request.on('error', () => undefined);
      },
      { bodyTimeoutMs: 300 },
    );
    const bytes = await rawRequest(port, 'POST /x HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nhalf');
    expect(routed).toEqual(['/x']);
    expect(refusalIn(bytes)).toMatchObject({ status: 408, code: 'request_timeout' });
  });

  it('nothing is added to an answer that has begun: the connection is cut', async () => {
    const { port } = await start(
      (request, response) => {
        request.on('error', () => undefined);
        response.writeHead(200, { 'content-length': '100' });
        response.write('begun');
      },
      { bodyTimeoutMs: 300 },
    );
    const bytes = await rawRequest(port, 'POST /x HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nhalf');
    expect(bytes.toString()).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nbegun$/);
  });

  it('CONNECT: 405', async () => {
    const { port, routed } = await start();
    const bytes = await rawRequest(port, 'CONNECT example.com:443 HTTP/1.1\r\nhost: example.com:443\r\n\r\n');
    expect(refusalIn(bytes)).toMatchObject({ status: 405, code: 'method_not_allowed' });
    expect(routed).toEqual([]);
  });

  it('a client that resets its connection brings nothing down', async () => {
    const { port, refused } = await start();
    const rude = await open(port);
    rude.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-le');
    rude.socket.resetAndDestroy();
    expect(parseResponse(await rawRequest(port, requestText({ path: '/' }))).status).toBe(200);
    expect(refused).toEqual([]);
  });
});

describe('what does reach the routes', () => {
  it('an Upgrade is ignored, as RFC 9110 allows, and the request is an ordinary one', async () => {
    const { port, routed } = await start();
    const headers = { connection: 'Upgrade, close', upgrade: 'websocket', 'sec-websocket-key': 'AAAA' };
    const response = parseResponse(await rawRequest(port, requestText({ path: '/ws', headers })));
    expect([response.status, routed]).toEqual([200, ['/ws']]);
  });

  const expecting = 'POST /a HTTP/1.1\r\nhost: a\r\nexpect: 100-Continue\r\ncontent-length: 1\r\n\r\n';

  it('a body that is held back is asked for by whoever reads it; the connection stays', async () => {
    const { port } = await start((_request, response) => {
      response.writeContinue();
      response.end('ok');
    });
    const connection = await open(port);
    connection.send(expecting);
    await connection.until('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200');
    connection.send(`x${expecting}x`);
    await waitFor(() => connection.text().split('HTTP/1.1 200').length === 3, { what: 'a second answer' });
    expect(connection.text()).toContain('keep-alive');
  });

  it('a body that nobody asks for leaves the connection, which is closed', async () => {
    const { port, routed } = await start();
    const connection = await open(port);
    connection.send(expecting);
    await connection.untilClosed();
    const answer = parseResponse(connection.received());
    expect([answer.status, answer.header('connection')]).toEqual([200, 'close']);
    expect(routed).toEqual(['/a']);
  });

  it('sees both of two Authorization headers', async () => {
    const { port } = await start((request, response) => void response.end(request.headers.authorization));
    const text =
      'GET / HTTP/1.1\r\nhost: a\r\nauthorization: A\r\nauthorization: B\r\nconnection: close\r\n\r\n';
    expect(parseResponse(await rawRequest(port, text)).body.toString()).toContain('A, B');
  });

  it('keeps an idle connection beyond the time a request may take', async () => {
    const { port, routed } = await start(ok, { bodyTimeoutMs: 200 });
    const connection = await open(port);
    connection.send('GET /1 HTTP/1.1\r\nhost: a\r\n\r\n');
    await connection.until('ok');
    await new Promise((resolve) => setTimeout(resolve, 700)); // several checks of connections later
    connection.send('GET /2 HTTP/1.1\r\nhost: a\r\n\r\n');
    await waitFor(() => routed.length === 2, { what: 'the second request' });
    expect(parseResponse(connection.received()).header('keep-alive')).toBe('timeout=95');
  });

  it('an answer may take longer than a request may', async () => {
    const { port } = await start((_request, response) => void setTimeout(() => response.end('slow'), 700), {
      bodyTimeoutMs: 200,
    });
    const bytes = await rawRequest(port, requestText({ method: 'POST', path: '/', body: '{}' }));
    expect(parseResponse(bytes).status).toBe(200);
  });
});

describe('draining', () => {
  it('lets a running request end, tells it to close, and accepts no more', async () => {
    const answers: (() => void)[] = [];
    const { port, http } = await start((_request, response) => void answers.push(() => response.end('done')));
    const connection = await open(port);
    connection.send('GET /running HTTP/1.1\r\nhost: a\r\n\r\n');
    await waitFor(() => answers.length === 1, { what: 'the request' });

    const drained = http.drain();
    await expect(connectRaw(port)).rejects.toThrow('ECONNREFUSED');
    for (const answer of answers) answer();
    await within(drained, 30_000, 'the server to close');
    await connection.untilClosed();
    const response = parseResponse(connection.received());
    expect([response.header('connection'), response.body.toString()]).toEqual(['close', 'done']);
  });

  it('closes idle connections at once, silent ones soon', async () => {
    const { port, http } = await start();
    const idle = await open(port);
    idle.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    await idle.until('ok');
    const silent = await open(port);
    await within(http.drain(), 30_000, 'the server to close');
    await idle.untilClosed();
    await silent.untilClosed();
  });

  it('answers on as long as a router may still send, each time for the last time on its connection', async () => {
    const { port, http, routed } = await start(ok, { routerLagMs: 400 });
    const idle = await open(port);
    idle.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    await idle.until('ok');
    const drained = http.drain();
    const fresh = await open(port);
    for (const connection of [idle, fresh]) connection.send('GET /late HTTP/1.1\r\nhost: a\r\n\r\n');
    for (const connection of [idle, fresh]) {
      await connection.untilClosed();
      expect(connection.text()).toMatch(/connection: close/i);
    }
    expect(routed).toEqual(['/', '/late', '/late']);
    await within(drained, 30_000, 'the server to close');
  });

  it('closes a connection whose answer had promised to keep it', async () => {
    const answers: (() => void)[] = [];
    const { port, http } = await start((_request, response) => {
      response.writeHead(200, { 'content-length': '2' });
      response.write('o');
      answers.push(() => response.end('k'));
    });
    const connection = await open(port);
    connection.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    await connection.until('\r\n\r\no');
    const drained = http.drain();
    for (const answer of answers) answer();
    await within(drained, 30_000, 'the server to close');
    await connection.untilClosed();
    expect(connection.text()).toMatch(/connection: keep-alive[^]*ok$/i);
  });
});

describe('too many connections', () => {
  const late: RequestListener = (request, response) => {
    if (request.url !== '/late') response.end('ok');
  };

  it('cost idle ones their place, and nobody else', async () => {
    const { port } = await start(late, { maxConnections: 4 });
    const idle = await Promise.all(Array.from({ length: 3 }, () => open(port)));
    for (let n = 0; n < 3; n += 1) {
      expect(parseResponse(await rawRequest(port, requestText({ path: '/' }))).status).toBe(200);
    }
    await waitFor(() => idle.some(({ closed }) => closed), { what: 'an idle one to go' });
  });

  it('leave /healthz answered if all are busy, and a 503 that a page can read for the rest', async () => {
    const { port, routed, refused } = await start(late, { maxConnections: 4 });
    const busy = await Promise.all(Array.from({ length: 3 }, () => open(port)));
    for (const connection of busy) connection.send(requestText({ path: '/late' }));
    await waitFor(() => routed.length === 3, { what: 'the busy ones' });
    expect(parseResponse(await rawRequest(port, requestText({ path: '/healthz' }))).status).toBe(200);
    const response = parseResponse(await rawRequest(port, requestText({ path: '/v1/models' })));
    expect(response.status).toBe(503);
    expect(response.header('retry-after')).toBe('1');
    expect(response.header('access-control-allow-origin')).toBe('*');
    expect(refused).toEqual(['overloaded']);
    busy[0]?.destroy();
    const answered = async (): Promise<boolean> =>
      parseResponse(await rawRequest(port, requestText({ path: '/v1/models' }))).status === 200;
    await waitFor(answered, { what: 'a place' });
  });
});

describe('an answer that is not read', () => {
  const bounds = { maxBytes: 1_000, maxBodyBytes: 1, maxImportBytes: 1, maxCalls: 100 };
  /** More than the system takes for a reader. */
  const large = Buffer.alloc(40_000_000, 'x');

  it.each<[string, RequestListener]>([
    ['whole', (_request, response) => void response.end(large)],
    [
      'in parts',
      (_request, response) => {
        const more = (): void => {
          while (response.write(large.subarray(0, 100_000)));
        };
        response.on('drain', more);
        more();
      },
    ],
  ])('is cut off after the time that readers have: %s', async (_, listener) => {
    const budget = new MemoryBudget({ ...bounds, maxBytes: 100 * large.length });
    const { port } = await start(listener, { budget, readerTimeoutMs: 300 });
    const { socket } = await open(port);
    socket.pause();
    const closed = once(socket, 'close');
    socket.write(requestText({ path: '/' }));
    await waitFor(() => budget.stranger('unknown').bytes > 0, { what: 'it to be counted' });
    await waitFor(() => budget.stranger('unknown').bytes === 0, { what: 'it to be cut off' });
    socket.resume();
    await within(closed, 10_000);
  });

  it('is cut off at once if its share has no room', async () => {
    const budget = new MemoryBudget(bounds); // strangers have 2 MiB
    const { port } = await start((_request, response) => void response.end(large), { budget });
    const { socket } = await open(port);
    const closed = once(socket, 'close');
    socket.write(requestText({ path: '/' }));
    await within(closed, 10_000);
    await waitFor(() => budget.stranger('unknown').isIdle, { what: 'all to be given back' });
    expect(socket.bytesRead).toBeLessThan(large.length);
  });
});
