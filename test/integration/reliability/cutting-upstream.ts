import { type AddressInfo, createServer, type Socket } from 'node:net';

/** How an upstream's answer goes wrong at some byte, or only comes in two parts. */
export interface Cut {
  answer: 'stream' | 'plain';
  /** How many bytes of the answer, head and all, are sent before it happens. */
  at: number;
  /** `rest`: nothing goes wrong, the rest comes in a write of its own. */
  how: 'reset' | 'end' | 'stall' | 'rest';
}

export interface CuttingUpstream {
  readonly url: string;
  close(): Promise<void>;
}

/** Where the rest is sent: late enough to be a packet of its own. */
const restAfterMs = 2;

/** A raw server that answers each request with the bytes given, cut as its prompt says. */
export async function startCuttingUpstream(
  answers: Readonly<Record<Cut['answer'], Buffer>>,
): Promise<CuttingUpstream> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined); // the gateway lets go of what stalls
    let received = '';
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1');
      if (received.startsWith('GET ')) {
        socket.end('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n'); // lists no models
        return;
      }
      const cut = cutIn(received);
      if (!cut) return;
      received = '';
      send(socket, answers[cut.answer], cut);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, // a TCP server's is never a string
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** What the prompt of a whole request says; null while it is not all in. */
function cutIn(request: string): Cut | null {
  const [head = '', body] = request.split('\r\n\r\n');
  const length = Number(/content-length: (\d+)/i.exec(head)?.[1]);
  if (body === undefined || body.length < length) return null;
  const { messages } = JSON.parse(body) as { messages: { content: string }[] };
  return JSON.parse(messages[0]?.content ?? '') as Cut;
}

function send(socket: Socket, answer: Buffer, { at, how }: Cut): void {
  const first = answer.subarray(0, at);
  switch (how) {
    case 'reset':
      // After the kernel has it: a reset overtakes what is still to be sent.
      socket.write(first, () => setTimeout(() => socket.resetAndDestroy(), restAfterMs));
      return;
    case 'end':
      socket.end(first);
      return;
    case 'stall':
      socket.write(first);
      return;
    case 'rest':
      socket.write(first);
      setTimeout(() => socket.write(answer.subarray(at)), restAfterMs);
  }
}
