import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { Account } from '../../../src/memory/account.ts';
import { Holding } from '../../../src/memory/holding.ts';
import { shareOf } from '../../../src/memory/shares.ts';
import { readBody, type BodyRead } from '../../../src/validation/read-body.ts';

const MiB = 1024 * 1024;
const open: { server: Server; socket: Socket }[] = [];

afterEach(() => {
  for (const { server, socket } of open.splice(0)) {
    socket.destroy();
    server.closeAllConnections();
    server.close();
  }
});

interface Exchange {
  socket: Socket;
  holding: Holding;
  account: Account;
  incoming: Promise<IncomingMessage>;
  result: Promise<BodyRead>;
  /** Everything the server answered, once it has closed the connection. */
  answer: Promise<string>;
}

/** A server that reads one body and answers with its length or the refusal's code, and a raw connection to it. */
async function exchange({ maxBytes = 100, budgetBytes = 1_000 } = {}): Promise<Exchange> {
  const bounds = { maxBytes: budgetBytes, maxBodyBytes: 1, maxImportBytes: 1, maxCalls: 10 };
  const account = new Account(shareOf('gateway', bounds));
  const holding = new Holding();
  holding.enter(account);
  const arrived = Promise.withResolvers<IncomingMessage>();
  const read = Promise.withResolvers<BodyRead>();
  const server = createServer((incoming, outgoing) => {
    arrived.resolve(incoming);
    void readBody({ incoming, maxBytes, holding }).then((result) => {
      if (result.kind === 'complete') outgoing.end(String(result.bytes.length));
      if (result.kind === 'refused') {
        outgoing.writeHead(result.refusal.status, result.refusal.headers).end(result.refusal.code);
      }
      read.resolve(result);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const answer = textOf(socket);
  open.push({ server, socket });
  return { socket, holding, account, incoming: arrived.promise, result: read.promise, answer };
}

async function textOf(socket: Socket): Promise<string> {
  let text = '';
  socket.setEncoding('utf8');
  socket.on('data', (chunk: string) => (text += chunk));
  // A reset after the answer is what the other side sees of a body that was cut short.
  socket.on('error', () => {});
  await new Promise((resolve) => socket.once('close', resolve));
  return text;
}

function head(...headers: string[]): string {
  return ['POST / HTTP/1.1', 'Host: test', ...headers, '', ''].join('\r\n');
}

function complete(result: BodyRead): Extract<BodyRead, { kind: 'complete' }> {
  if (result.kind !== 'complete') throw new Error(`not complete but ${result.kind}`);
  return result;
}

function refusalOf(result: BodyRead): Extract<BodyRead, { kind: 'refused' }>['refusal'] {
  if (result.kind !== 'refused') throw new Error(`not refused but ${result.kind}`);
  return result.refusal;
}

describe('a body within its limit', () => {
  it('comes out as it was sent, in one piece or many', async () => {
    const { socket, result, account } = await exchange();
    socket.write(`${head('Content-Length: 6')}ab`);
    await expect.poll(() => account.bytes).toBe(2);
    socket.write('cdef');
    expect(complete(await result).bytes.toString()).toBe('abcdef');
  });

  it('may be absent', async () => {
    const { socket, result } = await exchange();
    socket.write(head());
    expect(complete(await result).bytes).toHaveLength(0);
  });

  it('may be chunked, and of exactly the limit', async () => {
    const { socket, result } = await exchange({ maxBytes: 100 });
    socket.write(`${head('Transfer-Encoding: chunked')}64\r\n${'x'.repeat(100)}\r\n0\r\n\r\n`);
    expect(complete(await result).bytes).toHaveLength(100);
  });

  it('holds its bytes of the budget until released, once', async () => {
    const { socket, account, holding, result } = await exchange();
    socket.write(`${head('Content-Length: 50')}${'x'.repeat(50)}`);
    complete(await result);
    expect(account.bytes).toBe(50);
    holding.leave();
    holding.leave();
    expect(account.bytes).toBe(0);
  });
});

describe('a body beyond its limit', () => {
  it('is refused by its content-length, and read to its end so that the connection can go on', async () => {
    const { socket, result, answer } = await exchange({ maxBytes: 100 });
    socket.write(`${head('Content-Length: 101')}${'x'.repeat(101)}`);
    const refusal = refusalOf(await result);
    expect(refusal).toMatchObject({ code: 'body_too_large', status: 413, headers: {} });
    expect(refusal.message).toContain('100 bytes');
    socket.write(`${head('Content-Length: 2', 'Connection: close')}ab`);
    expect(await answer).toMatch(/^HTTP\/1\.1 413 [\s\S]*HTTP\/1\.1 200 /);
  });

  it('is refused when it grows beyond the limit, and its bytes are given back', async () => {
    const { socket, account, result } = await exchange({ maxBytes: 100 });
    socket.write(`${head('Transfer-Encoding: chunked')}1\r\nx\r\n`);
    await expect.poll(() => account.bytes).toBe(1);
    socket.write(`64\r\n${'x'.repeat(100)}\r\n0\r\n\r\n`);
    expect(refusalOf(await result).code).toBe('body_too_large');
    expect(account.bytes).toBe(0);
  });

  it('is answered in full to a caller who sends everything before reading', async () => {
    const { socket, answer } = await exchange({ maxBytes: MiB, budgetBytes: 4 * MiB });
    socket.write(head(`Content-Length: ${8 * MiB}`, 'Connection: close'));
    socket.write(Buffer.alloc(8 * MiB, 'x'));
    expect(await answer).toMatch(/^HTTP\/1\.1 413 [\s\S]*body_too_large/);
  });

  it('is not read without end: the connection is closed behind the answer', async () => {
    const { socket, result, answer, incoming } = await exchange({ maxBytes: MiB, budgetBytes: 4 * MiB });
    socket.write(head(`Content-Length: ${1024 * MiB}`));
    const piece = Buffer.alloc(MiB, 'x');
    let sent = 0;
    const send = (): void => {
      while (!socket.destroyed && sent < 64) {
        sent++;
        if (!socket.write(piece)) return void socket.once('drain', send);
      }
    };
    send();
    expect(refusalOf(await result).code).toBe('body_too_large');
    await expect.poll(async () => (await incoming).destroyed, { timeout: 60_000 }).toBe(true);
    expect((await incoming).socket.bytesRead).toBeLessThan(16 * MiB);
    // Whether the answer is read by one who is still sending is up to that client's socket; that it ends is not.
    await answer;
  });

  it('is refused at once even when nothing is sent', async () => {
    const { socket, result } = await exchange();
    socket.write(head('Content-Length: 1000000')); // and nothing more: whoever waits for it waits for ever
    expect(refusalOf(await result).headers).toEqual({});
  });
});

describe('the budget of all bodies', () => {
  it('refuses what does not fit, for a while, and gives back what it took', async () => {
    const { socket, account, result } = await exchange({ maxBytes: 100, budgetBytes: 60 });
    account.add(20);
    socket.write(`${head('Content-Length: 50')}${'x'.repeat(25)}`);
    await expect.poll(() => account.bytes).toBe(45);
    socket.write('x'.repeat(25));
    const refusal = refusalOf(await result);
    expect(refusal).toMatchObject({ code: 'overloaded', status: 503, headers: { 'retry-after': '1' } });
    expect(account.bytes).toBe(20);
  });

  it('is charged for what has arrived, not for what was announced', async () => {
    const { socket, account } = await exchange({ maxBytes: 100, budgetBytes: 100 });
    socket.write(`${head('Content-Length: 90')}xx`);
    await expect.poll(() => account.bytes).toBe(2);
  });
});

describe('a caller who leaves', () => {
  it('mid-body is told apart, and holds nothing', async () => {
    const { socket, account, result } = await exchange();
    socket.write(`${head('Content-Length: 90')}xx`);
    await expect.poll(() => account.bytes).toBe(2);
    socket.destroy();
    expect(await result).toEqual({ kind: 'gone' });
    expect(account.bytes).toBe(0);
  });

  it('before reading began is told apart too', async () => {
    const { socket, incoming, result } = await exchange();
    socket.write(`${head('Content-Length: 90')}xx`);
    const message = await incoming;
    socket.destroy();
    await result;
    expect(await readBody({ incoming: message, maxBytes: 100, holding: new Holding() })).toEqual({
      kind: 'gone',
    });
  });
});
