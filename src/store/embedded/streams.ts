import type { Command, Reply } from './command.ts';
import type { Keyspace, StreamEntry, StreamId } from './keyspace.ts';

/** How many entries a stream may exceed its bound by before it is trimmed, as `MAXLEN ~` allows. */
const slack = 100;

export const streamCommands: Readonly<Record<string, Command>> = {
  XADD: (keys, [key = '', ...args]) => {
    const isBounded = args[0] === 'MAXLEN';
    const fields = args.slice(isBounded ? 4 : 1); // after `MAXLEN ~ n *`, or `*`
    let stream = keys.read(key, 'stream');
    if (stream === undefined) {
      stream = { kind: 'stream', entries: [], last: [0, 0] };
      keys.write(key, stream);
    }
    stream.last = idAfter(stream.last, Math.floor(keys.nowMs));
    stream.entries.push({ id: stream.last, fields });
    const excess = isBounded ? stream.entries.length - Number(args[2]) : 0;
    if (excess > slack) stream.entries.splice(0, excess);
    return idText(stream.last);
  },
  XLEN: (keys, [key = '']) => entriesOf(keys, key).length,
  XRANGE: (keys, [key = '', start = '', end = '', _count, most]) => {
    const entries = entriesOf(keys, key);
    const [from, to] = rangeIn(entries, start, end);
    return entries.slice(from, Math.min(to, from + Number(most))).map(replyOf);
  },
  XREVRANGE: (keys, [key = '', end = '', start = '', _count, most]) => {
    const entries = entriesOf(keys, key);
    const [from, to] = rangeIn(entries, start, end);
    return entries
      .slice(Math.max(from, to - Number(most)), to)
      .toReversed()
      .map(replyOf);
  },
};

function entriesOf(keys: Keyspace, key: string): readonly StreamEntry[] {
  return keys.read(key, 'stream')?.entries ?? [];
}

/** Ids only increase, even if the clock is set back. */
function idAfter([lastMs, sequence]: StreamId, nowMs: number): StreamId {
  return nowMs > lastMs ? [nowMs, 0] : [lastMs, sequence + 1];
}

function idText([ms, sequence]: StreamId): string {
  return `${ms}-${sequence}`;
}

function replyOf({ id, fields }: StreamEntry): Reply {
  return [idText(id), fields];
}

/** The indexes of the first entry in the range and of the first one after it. */
function rangeIn(entries: readonly StreamEntry[], start: string, end: string): [from: number, to: number] {
  const first = boundIn(start, 0);
  const last = boundIn(end, Infinity);
  const from = firstIndex(entries, ({ id }) =>
    first.open ? compare(id, first.id) > 0 : compare(id, first.id) >= 0,
  );
  const to = firstIndex(entries, ({ id }) =>
    last.open ? compare(id, last.id) >= 0 : compare(id, last.id) > 0,
  );
  return [from, Math.max(from, to)];
}

/** Reads `-`, `+`, an id, or `(` and an excluded id. `sequence` is the default for an id without one. */
function boundIn(text: string, sequence: number): { id: StreamId; open: boolean } {
  if (text === '-') return { id: [0, 0], open: false };
  if (text === '+') return { id: [Infinity, Infinity], open: false };
  const open = text.startsWith('(');
  const [ms, own] = (open ? text.slice(1) : text).split('-');
  return { id: [Number(ms), own === undefined ? sequence : Number(own)], open };
}

function compare(a: StreamId, b: StreamId): number {
  return a[0] === b[0] ? a[1] - b[1] : a[0] - b[0];
}

/** Binary search: the entries for which `isIn` is true come after those for which it is false. */
function firstIndex(entries: readonly StreamEntry[], isIn: (entry: StreamEntry) => boolean): number {
  let [low, high] = [0, entries.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const entry = entries[middle];
    if (entry && !isIn(entry)) low = middle + 1;
    else high = middle;
  }
  return low;
}
