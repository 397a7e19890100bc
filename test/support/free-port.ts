import { createServer } from 'node:net';

/**
 * A loopback port nobody listens on. Taken from below the ephemeral ranges of Linux and macOS, so that no
 * outgoing connection of another test takes it before its owner binds it, or while a server restarts on it.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (await canBind(port)) return port;
  }
  throw new Error('No free loopback port found.');
}

function canBind(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
