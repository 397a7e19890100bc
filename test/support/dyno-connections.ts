import { Agent, type request } from 'node:http';
import type { Socket } from 'node:net';

/** Connections to the dyno, kept for a time of their own, whatever the dyno says of its. */
export class DynoConnections extends Agent {
  readonly counts = { opened: 0, reused: 0 };
  readonly #keepMs: number;
  readonly #expiries = new WeakMap<Socket, NodeJS.Timeout>();

  constructor(keepMs: number) {
    super({ keepAlive: true, maxFreeSockets: 10_000 });
    this.#keepMs = keepMs;
  }

  override createConnection(
    ...given: Parameters<Agent['createConnection']>
  ): ReturnType<Agent['createConnection']> {
    this.counts.opened += 1;
    return super.createConnection(...given);
  }

  override keepSocketAlive(socket: Socket): boolean {
    this.#expiries.set(socket, setTimeout(() => socket.destroy(), this.#keepMs).unref());
    return true;
  }

  override reuseSocket(socket: Socket, outward: ReturnType<typeof request>): void {
    this.counts.reused += 1;
    clearTimeout(this.#expiries.get(socket));
    super.reuseSocket(socket, outward);
  }
}
