import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { afterEach, expect, it } from 'vitest';
import { destinationIn } from '../../../src/webhooks/destination-url.ts';
import { post } from '../../../src/webhooks/post.ts';
import { resolveAt } from '../../../src/webhooks/resolve.ts';
import { waitFor } from '../../support/wait-for.ts';

const opened: Socket[] = [];
afterEach(() => {
  for (const socket of opened.splice(0)) socket.close();
});

/** A name server that answers with `answer`, or not at all, and its questions. */
async function nameServer(
  answer: (question: Buffer) => Buffer | null,
): Promise<{ address: string; asked: Buffer[] }> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  opened.push(socket);
  await once(socket, 'listening');
  const asked: Buffer[] = [];
  socket.on('message', (question, { port, address }) => {
    asked.push(question);
    const reply = answer(question);
    if (reply) socket.send(reply, port, address);
  });
  return { address: `127.0.0.1:${socket.address().port}`, asked };
}

const typeA = 1;
const never = new AbortController().signal;

/** Says that the name has this IPv4 address, and no others (RFC 1035, 4). */
function withAddress(question: Buffer, address: readonly number[]): Buffer {
  const end = question.indexOf(0, 12) + 5; // the name, its type and its class
  const isA = question.readUInt16BE(end - 4) === typeA;
  const head = Buffer.from(question.subarray(0, 12));
  head.writeUInt16BE(0x81_80, 2);
  head.writeUInt16BE(isA ? 1 : 0, 6);
  head.writeUInt32BE(0, 8);
  const record = Buffer.from([0xc0, 12, 0, typeA, 0, 1, 0, 0, 0, 0, 0, 4, ...address]);
  return Buffer.concat([head, question.subarray(12, end), ...(isA ? [record] : [])]);
}

it('Names are asked of the name servers, and one that stands for loopback is not reached.', async () => {
  const { address } = await nameServer((question) => withAddress(question, [127, 0, 0, 1]));
  const resolve = resolveAt([address]);
  expect(await resolve('hooks.example', never)).toEqual(['127.0.0.1']);
  const read = destinationIn('https://hooks.example/', new Set());
  if (!read.ok) throw new Error(read.problem);
  const outcome = await post(
    read.destination,
    { headers: {}, body: '' },
    { timeoutMs: 60_000, resolve, wallMs: 0 },
  );
  expect(outcome).toMatchObject({ error: 'refused_address' });
});

it('Slow name servers keep nothing else of this process waiting.', async () => {
  const { address, asked } = await nameServer(() => null);
  const resolve = resolveAt([address], 60_000);
  const gaveUp = new AbortController();
  const names = Array.from({ length: 16 }, (_, n) => `hooks-${n}.example`);
  let ended = 0;
  const all = names.map((name) => resolve(name, gaveUp.signal).catch(() => (ended += 1)));
  await waitFor(() => asked.length >= 2 * names.length, { what: 'all to be asked' });
  await stat('.'); // takes one of the threads that the system's lookup takes
  expect(ended).toBe(0);
  gaveUp.abort();
  await Promise.all(all);
  expect(ended).toBe(names.length);
});
