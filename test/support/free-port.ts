import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

/**
 * A loopback port nobody listens on, and which no other caller of this function gets while this process lives: it may
 * be bound seconds later, or again after a restart. Taken from below the ephemeral ranges of Linux and macOS, so that
 * no outgoing connection of another test takes it either.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (await claim(port)) return port;
  }
  throw new Error('No free loopback port found.');
}

/** Whether this process got the port: no other holds it, and nobody listens on it. */
async function claim(port: number): Promise<boolean> {
  const held = await hold(port);
  if (held === null) return false;
  if (await canListen(port)) return true;
  held.close();
  return false;
}

/** UDP's port of the same number stands for it: nothing here uses UDP, and the system frees it with the process. */
function hold(port: number): Promise<{ close(): void } | null> {
  return new Promise((resolve) => {
    const mark = createSocket('udp4').unref();
    mark.once('error', () => {
      mark.close();
      resolve(null);
    });
    // Exclusive: workers of a cluster would share it.
    mark.bind({ port, address: '127.0.0.1', exclusive: true }, () => resolve(mark));
  });
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
