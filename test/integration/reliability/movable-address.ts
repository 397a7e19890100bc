import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** An address that leads to one server or another, as a host name does. */
export interface MovableAddress {
  readonly port: number;
  /** From now on new connections lead there; null: nowhere. */
  pointTo(port: number | null): void;
  /** Ends the connections there are. */
  cut(): void;
  close(): Promise<void>;
}

/** Listens on loopback and passes bytes on. */
export async function startAddress(port: number | null): Promise<MovableAddress> {
  let target = port;
  const sockets = new Set<Socket>();
  const server = createServer((caller) => {
    if (target === null) {
      caller.destroy();
      return;
    }
    const onward = connect({ port: target, host: '127.0.0.1' });
    join(caller, onward, sockets);
    join(onward, caller, sockets);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port, // a TCP server's is never a string
    pointTo: (next) => {
      target = next;
    },
    cut,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        cut();
      }),
  };
}

function join(one: Socket, other: Socket, sockets: Set<Socket>): void {
  sockets.add(one);
  one.pipe(other);
  one.on('error', () => other.destroy());
  one.on('close', () => {
    sockets.delete(one);
    other.destroy();
  });
}
