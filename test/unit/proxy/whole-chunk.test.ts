import * as fc from 'fast-check';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeWholeChunk } from '../../../src/proxy/whole-chunk.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => Promise<void> | void;

const answers: Answer[] = [];
const server = createServer((request, response) => {
  response.sendDate = false;
  void answers.shift()?.(request, response);
});

beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterAll(() => new Promise((resolve) => server.close(resolve)));

/** All bytes that come back for a request. Its requests are answered in turn. */
function answered(request: string, ...by: Answer[]): Promise<string> {
  answers.push(...by);
  return new Promise((resolve, reject) => {
    const { port } = server.address() as AddressInfo;
    const chunks: Buffer[] = [];
    connect(port, '127.0.0.1')
      .on('data', (chunk) => chunks.push(chunk))
      .on('error', reject)
      .on('close', () => resolve(Buffer.concat(chunks).toString('latin1')))
      .end(request);
  });
}

const post = 'POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n';
const written = (response: ServerResponse, latin1: string): Promise<void> =>
  new Promise((resolve) => response.write(latin1, 'latin1', () => resolve()));
const inOnePiece = (response: ServerResponse, latin1: string): Promise<void> =>
  new Promise((resolve, reject) => {
    if (!writeWholeChunk(response, latin1, resolve)) reject(new Error('It was not written.'));
  });

describe('a chunk in one piece', () => {
  it("is Node's own, byte by byte", async () => {
    const latin1 = fc.string({
      unit: fc.nat(255).map((byte) => String.fromCharCode(byte)),
      minLength: 1,
      maxLength: 2_000,
    });
    const bytesBy = (write: typeof written, chunks: string[]): Promise<string> =>
      answered(post, async (_, response) => {
        await written(response, 'first');
        for (const chunk of chunks) await write(response, chunk);
        response.end('last');
      });
    const chunks = fc.array(latin1, { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(chunks, async (sent) => {
        expect(await bytesBy(inOnePiece, sent)).toBe(await bytesBy(written, sent));
      }),
      { numRuns: 30 },
    );
  });

  const http10 = 'POST / HTTP/1.0\r\nContent-Length: 0\r\n\r\n';
  const head = 'HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
  it.each<[string, string, (response: ServerResponse) => unknown, string?]>([
    ['without bytes', post, (response) => written(response, 'a'), ''],
    ['that is large', post, (response) => written(response, 'a'), 'x'.repeat(16_001)],
    ['while an earlier one waits', post, (response) => response.write('a')],
    ['after the end', post, (response) => response.end('a')],
    ['once the response is destroyed', post, (response) => response.destroy()],
    ['once the connection is ended', post, (response) => response.socket?.end()],
    [
      'of an answer with a length',
      post,
      (response) => written(response.writeHead(200, ['content-length', '9']), 'a'),
    ],
    ['for HTTP/1.0', http10, (response) => written(response, 'a')],
    [
      'of an answer to HEAD',
      head,
      (response) => written(response.writeHead(200, ['transfer-encoding', 'chunked']), 'a'),
    ],
  ])('is left to Node %s', async (_, request, begin, chunk = 'b') => {
    const isWritten = Promise.withResolvers<boolean>();
    const bytes = answered(request, async (__, response) => {
      const begun = begin(response);
      if (begun instanceof Promise) await begun;
      isWritten.resolve(writeWholeChunk(response, chunk, () => undefined));
      response.end();
      response.socket?.end();
    });
    expect(await isWritten.promise).toBe(false);
    await bytes;
  });

  it('is left to Node while the response waits behind another of its connection', async () => {
    const isWritten = Promise.withResolvers<boolean>();
    const first = 'POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n';
    const bytes = await answered(
      first + post,
      (_, response) => void isWritten.promise.then(() => response.end('1')),
      (_, response) => {
        response.write('2');
        isWritten.resolve(writeWholeChunk(response, '3', () => undefined));
        response.end();
      },
    );
    expect(await isWritten.promise).toBe(false);
    expect(bytes.endsWith('\r\n1\r\n2\r\n0\r\n\r\n')).toBe(true);
  });
});
