import { connect, type Socket } from 'node:net';
import { launch } from '../../support/spawn-gateway.ts';
import { waitFor } from '../../support/wait-for.ts';

export interface Unaccepting {
  readonly url: string;
  close(): void;
}

/** Listens, says where, and never comes round to accepting: the kernel holds two connections, and no more. */
const program = `
const server = require('node:net').createServer();
server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
  require('node:fs').writeSync(1, server.address().port + '\\n');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
});`;

/** An upstream that connections are never made to: their SYNs stay unanswered, as behind a dead load balancer. */
export async function unaccepting(): Promise<Unaccepting> {
  const listener = launch({ entry: '-e', args: [program] });
  const port = Number(
    await waitFor(() => /^\d+/.exec(listener.stdout())?.[0], { what: 'a listener', timeoutMs: 10_000 }),
  );
  const fillers: Socket[] = [];
  while (await connects(port, fillers));
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => {
      for (const socket of fillers) socket.destroy();
      listener.kill('SIGKILL');
    },
  };
}

/** Whether one more connection is made within a time that is ample on loopback. */
function connects(port: number, sockets: Socket[]): Promise<boolean> {
  const socket = connect({ port, host: '127.0.0.1' });
  sockets.push(socket);
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, 500, false);
    socket.once('connect', () => {
      clearTimeout(timer);
      resolve(true);
    });
    socket.on('error', () => {
      // Reset when the listener is killed.
    });
  });
}
