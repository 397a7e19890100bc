import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { turnsClientsAway } from '../../../src/store/max-clients.ts';
import { freePort } from '../../support/free-port.ts';

const servers: Server[] = [];

async function serverThat(does: (socket: Socket) => void): Promise<{ port: number; host: string }> {
  const server = createServer((socket) => does(socket.on('error', () => undefined)));
  servers.push(server);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, host: '127.0.0.1' };
}

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

describe('whether a server turns clients away', () => {
  it('it does if it says so and closes', async () => {
    const at = await serverThat((socket) => socket.end('-ERR max number of clients reached\r\n'));
    expect(await turnsClientsAway(at, false)).toBe(true);
  });

  it('with TLS it cannot say so: it closes at once', async () => {
    const at = await serverThat((socket) => socket.end());
    expect(await turnsClientsAway(at, true)).toBe(true);
    expect(await turnsClientsAway(at, false)).toBe(false);
  });

  it('it does not if it closes for another reason', async () => {
    const at = await serverThat((socket) => socket.end('-LOADING the dataset\r\n'));
    expect(await turnsClientsAway(at, true)).toBe(false);
  });

  it('it does not if it waits for a command, or is not there', async () => {
    const at = await serverThat((socket) => void setTimeout(() => socket.destroy(), 5_000).unref());
    expect(await turnsClientsAway(at, true)).toBe(false);
    expect(await turnsClientsAway({ port: await freePort(), host: '127.0.0.1' }, true)).toBe(false);
  });
});
