import type { Socket } from 'node:net';
import { networkOf } from '../base/client-address.ts';

export interface ConnectionBounds {
  /** In all. */
  max: number;
  /** From one peer; null if a router is the peer of all. */
  maxFromPeer: number | null;
}

/** Beyond the bounds, so many more are taken, to answer health checks, and to say that there are too many. */
const surplusMax = 256;
/** If there are too many, this part of them is let go at once, so that nobody searches through all for each new one. */
const letGoPart = 1 / 64;
/** The newest part of them is not let go: their first requests are on the way. */
const newPart = 1 / 8;

/**
 * All open connections, and their bounds. If there are too many, idle ones are let go, the oldest first, and those that
 * were never answered before those that were, but none of the newest. If all are busy, a new one is surplus.
 */
export class Connections {
  readonly #bounds: ConnectionBounds;
  readonly #isBusy: (socket: Socket) => boolean;
  /** With the peer of each, and its number. */
  readonly #all = new Map<Socket, { peer: string; ordinal: number }>();
  #ordinal = 0;
  readonly #ofPeer = new Map<string, number>();
  readonly #surplus = new Set<Socket>();

  constructor(bounds: ConnectionBounds, isBusy: (socket: Socket) => boolean) {
    this.#bounds = bounds;
    this.#isBusy = isBusy;
  }

  add(socket: Socket): void {
    const peer = networkOf(socket.remoteAddress ?? 'unknown');
    const { max, maxFromPeer } = this.#bounds;
    const ofPeer = this.#ofPeer.get(peer) ?? 0;
    const isOver = maxFromPeer !== null && ofPeer >= maxFromPeer;
    if (isOver ? !this.#letGo(peer) : this.#all.size >= max && !this.#letGo(null)) this.#addSurplus(socket);
    this.#all.set(socket, { peer, ordinal: (this.#ordinal += 1) });
    this.#ofPeer.set(peer, (this.#ofPeer.get(peer) ?? 0) + 1);
    socket.once('close', () => this.#remove(socket));
  }

  /** Whether only a health check of it is answered. */
  isSurplus(socket: Socket): boolean {
    return this.#surplus.size > 0 && this.#surplus.has(socket);
  }

  get open(): MapIterator<Socket> {
    return this.#all.keys();
  }

  /** Closes some idle ones, of one peer or of all. False if there is none. */
  #letGo(peer: string | null): boolean {
    const { max } = this.#bounds;
    const most = Math.max(1, Math.floor(max * letGoPart));
    const lastOrdinal = this.#ordinal - Math.floor(max * newPart);
    const unanswered: Socket[] = [];
    const answered: Socket[] = [];
    for (const [socket, opened] of this.#all) {
      if (unanswered.length === most || opened.ordinal > lastOrdinal) break;
      if ((peer !== null && opened.peer !== peer) || this.#surplus.has(socket) || this.#isBusy(socket))
        continue;
      (socket.bytesWritten === 0 ? unanswered : answered).push(socket);
    }
    const chosen = unanswered.length > 0 ? unanswered : answered.slice(0, most);
    for (const socket of chosen) this.#drop(socket);
    return chosen.length > 0;
  }

  /** The oldest surplus connection makes room for the newest, so that a health check always gets in. */
  #addSurplus(socket: Socket): void {
    const [oldest] = this.#surplus;
    if (oldest && this.#surplus.size >= surplusMax) this.#drop(oldest);
    this.#surplus.add(socket);
  }

  #drop(socket: Socket): void {
    this.#remove(socket);
    socket.destroy();
  }

  #remove(socket: Socket): void {
    const peer = this.#all.get(socket)?.peer;
    if (peer === undefined) return;
    this.#all.delete(socket);
    this.#surplus.delete(socket);
    const left = (this.#ofPeer.get(peer) ?? 1) - 1;
    if (left > 0) this.#ofPeer.set(peer, left);
    else this.#ofPeer.delete(peer);
  }
}
