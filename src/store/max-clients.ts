import { connect, type NetConnectOpts } from 'node:net';

/** What a server writes to a client that is one too many, before it closes the connection. */
const tooMany = /max number of clients/i;
/** A server that takes clients waits for a first command. */
const waitsForMs = 1_000;

/** What `/readyz` says of it, and the log, with what helps. */
export const atMaxClients = 'it has as many clients as it allows (maxclients)';
export const maxClientsError =
  'The store has as many clients as it allows (maxclients): run fewer processes, close other clients, or take a plan with more connections.';

/**
 * Whether a server turns clients away because it has too many (`ERR max number of clients reached`). ioredis writes at
 * once to the connection that is being closed, and sees only EPIPE, so another one is made, which writes nothing. With
 * TLS, the server closes it before the handshake and does not say why. Never rejects.
 */
export function turnsClientsAway(at: NetConnectOpts, withTls: boolean): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(at);
    let connected = false;
    let said = '';
    const done = (away: boolean): void => {
      resolve(away);
      socket.destroy();
    };
    socket.on('connect', () => (connected = true));
    socket.on('data', (chunk: Buffer) => (said += chunk.toString('latin1')));
    socket.on('error', () => undefined); // then it closes
    socket.on('close', () => done(tooMany.test(said) || (withTls && connected && said === '')));
    socket.setTimeout(waitsForMs, () => done(false));
  });
}

/** Whether a connection may have failed because the server closed it as soon as it was there. */
export function mayBeTurnedAway({ message }: Error): boolean {
  return tooMany.test(message) || /EPIPE|ECONNRESET|disconnected before secure TLS|closed/i.test(message);
}
