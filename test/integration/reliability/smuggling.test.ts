import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type IssuedToken, startGateway, type TestGateway } from '../../support/gateway.ts';
import { bodies, paths } from '../../support/gateway-client.ts';
import { connectRaw, parseResponse, requestText } from '../../support/http.ts';
import { waitFor } from '../../support/wait-for.ts';

/*
 * Requests that two parsers might part in different places (RFC 9112, 11.2). Each carries a second, whole request
 * where a lenient parser would find it. Either all of it is refused and the connection closed, or it is one request.
 */

let gateway: TestGateway;
let token: IssuedToken;

beforeAll(async () => {
  gateway = await startGateway({ env: { BODY_TIMEOUT_MS: '600' } });
  token = await gateway.issue();
});
afterAll(() => gateway.close());

const chat = JSON.stringify(bodies.chat());
/** What must never be taken for a request of its own. */
const hidden = (): string =>
  requestText({
    method: 'POST',
    path: paths.chat,
    headers: { authorization: `Bearer ${token.text}`, 'x-request-id': 'hidden-request-0000000' },
    body: chat,
  });

interface Trick {
  /** Header lines besides the credential; `{n}` is the length of the body. */
  headers: string;
  /** `{body}` is a good body, `{hidden}` the second request. */
  body: string;
  line?: string;
  /** A proper end of the head, unless the trick is there. */
  end?: string;
}

const post = `POST ${paths.chat} HTTP/1.1\r\nHost: a\r\n`;
const chunked = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`;

const refused: Record<string, Trick> = {
  'two lengths that differ': { headers: 'Content-Length: {n}\r\nContent-Length: 5', body: '{body}{hidden}' },
  'two lengths that agree': { headers: 'Content-Length: {n}\r\nContent-Length: {n}', body: '{body}{hidden}' },
  'a list of lengths': { headers: 'Content-Length: {n}, {n}', body: '{body}{hidden}' },
  'a length with a plus': { headers: 'Content-Length: +{n}', body: '{body}{hidden}' },
  'a negative length': { headers: 'Content-Length: -1', body: '{body}{hidden}' },
  'a length in hexadecimal': { headers: 'Content-Length: 0x10', body: '{body}{hidden}' },
  'a length with a space inside': { headers: 'Content-Length: 1 0', body: '{body}{hidden}' },
  'a length beyond all numbers': {
    headers: 'Content-Length: 99999999999999999999999',
    body: '{body}{hidden}',
  },
  'a length beside chunks': {
    headers: 'Content-Length: 5\r\nTransfer-Encoding: chunked',
    body: '{chunks}{hidden}',
  },
  'chunks beside a length': {
    headers: 'Transfer-Encoding: chunked\r\nContent-Length: 5',
    body: '{chunks}{hidden}',
  },
  'an unknown coding': { headers: 'Transfer-Encoding: xchunked', body: '{chunks}{hidden}' },
  'chunked, then another coding': {
    headers: 'Transfer-Encoding: chunked, identity',
    body: '{chunks}{hidden}',
  },
  'two Transfer-Encodings': {
    headers: 'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity',
    body: '{chunks}{hidden}',
  },
  'a space before the colon': { headers: 'Transfer-Encoding : chunked', body: '{chunks}{hidden}' },
  'a tab before the colon': { headers: 'Transfer-Encoding\t: chunked', body: '{chunks}{hidden}' },
  'a vertical tab in the coding': { headers: 'Transfer-Encoding: \u000bchunked', body: '{chunks}{hidden}' },
  'a folded line': {
    headers: 'X: y\r\n Transfer-Encoding: chunked\r\nContent-Length : 3',
    body: '{chunks}{hidden}',
  },
  'a line that begins with a space': { headers: ' X: y\r\nContent-Length: {n}', body: '{body}{hidden}' },
  'a NUL in a name': { headers: 'X\u0000: y\r\nContent-Length: {n}', body: '{body}{hidden}' },
  'a NUL in a value': { headers: 'X: y\u0000z\r\nContent-Length: {n}', body: '{body}{hidden}' },
  'a bare CR in a value': {
    headers: 'X: y\rContent-Length: 0\r\nContent-Length: {n}',
    body: '{body}{hidden}',
  },
  'a line end of LF alone': { headers: 'X: y\nContent-Length: {n}', body: '{body}{hidden}' },
  'a chunk size with a sign': { headers: 'Transfer-Encoding: chunked', body: '+1\r\n{\r\n0\r\n\r\n{hidden}' },
  'a chunk size of 0x': { headers: 'Transfer-Encoding: chunked', body: '0x1\r\n{\r\n0\r\n\r\n{hidden}' },
  'a chunk size beyond all numbers': {
    headers: 'Transfer-Encoding: chunked',
    body: 'fffffffffffffffff\r\n{hidden}',
  },
  'a chunk longer than its size': {
    headers: 'Transfer-Encoding: chunked',
    body: '1\r\n{}\r\n0\r\n\r\n{hidden}',
  },
  'a chunk size that ends in LF alone': {
    headers: 'Transfer-Encoding: chunked',
    body: '1\n{\r\n0\r\n\r\n{hidden}',
  },
  'two Hosts': { headers: 'Host: b\r\nContent-Length: {n}', body: '{body}' },
  'a version of its own': {
    line: `POST ${paths.chat} HTTP/1.2\r\nHost: a\r\n`,
    headers: 'Content-Length: {n}',
    body: '{body}{hidden}',
  },
  'HTTP/0.9': { line: `POST ${paths.chat}\r\n`, headers: 'Content-Length: {n}', body: '{body}{hidden}' },
  'a space in the target': {
    line: `POST ${paths.chat} x HTTP/1.1\r\nHost: a\r\n`,
    headers: 'Content-Length: {n}',
    body: '{body}{hidden}',
  },
};

/** What lies behind them is not looked at: the connection closes with the one answer. */
const single: Record<string, Trick> = {
  'chunks with extensions': {
    headers: 'Connection: close\r\nTransfer-Encoding: chunked',
    body: '{extended}',
  },
  'a trailer that names a length': {
    headers: 'Connection: close\r\nTransfer-Encoding: chunked',
    body: '{trailed}',
  },
  'a body behind Connection: close': {
    headers: 'Connection: close\r\nContent-Length: {n}',
    body: '{body}{hidden}',
  },
  'an upgrade to h2c': {
    headers: 'Connection: close, Upgrade\r\nUpgrade: h2c\r\nContent-Length: {n}',
    body: '{body}',
  },
  'the target in absolute form': {
    line: `POST http://other.example${paths.chat} HTTP/1.1\r\nHost: a\r\n`,
    headers: 'Connection: close\r\nContent-Length: {n}',
    body: '{body}',
  },
};

function textOf({ headers, body, line = post, end = '\r\n\r\n' }: Trick): string {
  const size = chat.length.toString(16);
  const bytes = body
    .replace('{body}', chat)
    .replace('{chunks}', chunked(chat))
    .replace('{extended}', `${size};a=b;c="d"\r\n${chat}\r\n0\r\n\r\n`)
    .replace('{trailed}', `${size}\r\n${chat}\r\n0\r\nContent-Length: 5\r\n\r\n`)
    .replace('{hidden}', hidden());
  const lines = `Authorization: Bearer ${token.text}\r\n${headers.replaceAll('{n}', String(chat.length))}`;
  return `${line}${lines}${end}${bytes}`;
}

/** What came back on the wire, and what reached the upstream, until the connection was closed. */
async function send(trick: Trick): Promise<{ statuses: number[]; body: string; upstream: string[] }> {
  const before = gateway.upstream.requests.length;
  const connection = await connectRaw(gateway.port);
  try {
    connection.send(Buffer.from(textOf(trick), 'latin1'));
    await waitFor(() => connection.ended || connection.closed, { what: 'the connection to end' });
  } finally {
    connection.destroy();
  }
  const text = connection.text();
  return {
    statuses: [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status)),
    body: text === '' ? '' : parseResponse(connection.received()).body.toString(),
    upstream: gateway.upstream.requests.slice(before).map(({ headers }) => String(headers['x-request-id'])),
  };
}

describe('is refused as a whole, in the shape of all errors, and the connection ends', () => {
  it.each(Object.entries(refused))('%s', async (_, trick) => {
    const { statuses, body, upstream } = await send(trick);
    expect(statuses).toHaveLength(1);
    // A coding that is not known is a 501 (RFC 9112, 6.1).
    expect(String(statuses[0])).toMatch(/^(?:4\d\d|501)$/);
    expect(JSON.parse(body)).toMatchObject({ error: { code: expect.any(String) } });
    expect(upstream).toEqual([]);
  });
});

describe('is one request and no more', () => {
  it.each(Object.entries(single))('%s', async (_, trick) => {
    const { statuses, upstream } = await send(trick);
    expect(statuses).toHaveLength(1);
    expect(upstream.length).toBeLessThanOrEqual(1);
    expect(upstream).not.toContain('hidden-request-0000000');
  });
});
