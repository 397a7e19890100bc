import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { beforeEach, describe, expect, it } from 'vitest';
import { type ConnectionBounds, Connections } from '../../../src/lifecycle/connections.ts';

/** What is looked at of a socket. */
class FakeSocket extends EventEmitter {
  bytesWritten = 0;
  destroyed = false;
  isBusy = false;
  readonly remoteAddress: string;

  constructor(remoteAddress: string) {
    super();
    this.remoteAddress = remoteAddress;
  }

  destroy(): void {
    this.destroyed = true;
    this.emit('close');
  }
}

let connections: Connections;

function bounded(bounds: ConnectionBounds): void {
  // It uses no more of a socket than the fake has.
  connections = new Connections(bounds, (socket) => (socket as unknown as FakeSocket).isBusy);
}

function opened(
  count: number,
  { from = '192.0.2.1', ...more }: Partial<FakeSocket> & { from?: string } = {},
) {
  return Array.from({ length: count }, () => {
    const socket = Object.assign(new FakeSocket(from), more);
    connections.add(socket as unknown as Socket);
    return socket;
  });
}

const isSurplus = (socket: FakeSocket | undefined): boolean =>
  connections.isSurplus(socket as unknown as Socket);
const open = (sockets: readonly FakeSocket[]): boolean[] => sockets.map(({ destroyed }) => !destroyed);

beforeEach(() => bounded({ max: 4, maxFromPeer: null }));

describe('too many connections', () => {
  it('let the oldest idle one go', () => {
    const [busy] = opened(1, { isBusy: true });
    const idle = opened(3);
    const [newest] = opened(1);
    expect(open(idle)).toEqual([false, true, true]);
    expect([busy?.destroyed, newest?.destroyed, isSurplus(newest)]).toEqual([false, false, false]);
  });

  it('let those go first that were never answered', () => {
    const kept = opened(2, { bytesWritten: 9 });
    const silent = opened(2);
    opened(2);
    expect([...open(kept), ...open(silent)]).toEqual([true, true, false, false]);
    opened(2, { isBusy: true });
    opened(1, { isBusy: true });
    expect(open(kept)).toEqual([false, true]);
  });

  it('are surplus if all others are busy', () => {
    const busy = opened(4, { isBusy: true });
    const [one, other] = opened(2);
    expect([isSurplus(one), isSurplus(other), isSurplus(busy[0])]).toEqual([true, true, false]);
    busy[0]?.destroy();
    one?.destroy();
    other?.destroy();
    expect(isSurplus(opened(1)[0])).toBe(false);
  });

  it('of surplus let the oldest of these go, so that the newest is answered', () => {
    opened(4, { isBusy: true });
    const surplus = opened(257, { isBusy: true });
    expect(open(surplus).filter((is) => !is)).toHaveLength(1);
    expect(surplus[0]?.destroyed).toBe(true);
    expect(isSurplus(surplus.at(-1))).toBe(true);
  });

  it('let none of the newest go, whose first request is on its way', () => {
    bounded({ max: 16, maxFromPeer: null });
    opened(14, { isBusy: true });
    const [older] = opened(1);
    const newest = opened(2);
    expect([older?.destroyed, ...open(newest)]).toEqual([false, true, true]);
    expect(isSurplus(newest[1])).toBe(true);
    opened(1);
    expect(older?.destroyed).toBe(true);
  });

  it('of one peer cost only that one', () => {
    bounded({ max: 7, maxFromPeer: 3 });
    const others = opened(3, { from: '192.0.2.9' });
    const own = opened(3, { from: '2001:db8::1' });
    const [next] = opened(1, { from: '2001:db8::2' }); // of the same /64
    expect([...open(others), ...open(own)]).toEqual([true, true, true, false, true, true]);
    expect(next?.destroyed).toBe(false);
  });
});

it('closed ones count no more', () => {
  for (const socket of opened(4, { isBusy: true })) socket.destroy();
  expect([...connections.open]).toEqual([]);
  expect(opened(4, { isBusy: true }).some(isSurplus)).toBe(false);
});
