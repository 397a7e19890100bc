import type { Command, Reply } from './command.ts';
import type { Keyspace, Stream, StreamEntry, StreamId } from './keyspace.ts';

/** How many entries a stream may exceed its bound by before it is trimmed, as `MAXLEN ~` allows. */
const slack = 100;
/** What an entry takes in memory besides its texts, about. */
const entryBytes = 48;
/** How many entries an estimate of a stream's size looks at. */
const sampled = 10;

export const streamCommands: Readonly<Record<string, Command>> = {
  XADD: (keys, [key = '', ...args]) => {
    const isBounded = args[0] === 'MAXLEN';
    const [id = '*', ...fields] = args.slice(isBounded ? 3 : 0); // after `MAXLEN ~ n`
    const nowMs = Math.floor(keys.nowMs);
    let stream = keys.read(key, 'stream');
    if (stream !== undefined && id !== '*' && compare(idIn(id), stream.last) <= 0) {
      throw new Error('ERR The ID specified in XADD is equal or smaller than the target stream top item');
    }
    if (stream === undefined) {
      stream = { kind: 'stream', entries: [], last: [0, 0], added: 0 };
      keys.write(key, stream);
    }
    stream.last = id === '*' ? idAfter(stream.last, nowMs) : idIn(id);
    stream.added += 1;
    stream.entries.push({ id: stream.last, fields });
    if (isBounded) trim(stream, stream.entries.length - Number(args[2]), true);
    return idText(stream.last);
  },
  /** With `MAXLEN` or `MINID`, exactly or with `~`. */
  XTRIM: (keys, [key = '', by, ...args]) => {
    const stream = keys.read(key, 'stream');
    if (stream === undefined) return 0;
    const bound = args.at(-1) ?? '';
    const excess =
      by?.toUpperCase() === 'MAXLEN'
        ? stream.entries.length - Number(bound)
        : firstIndex(stream.entries, ({ id }) => compare(id, idIn(bound)) >= 0);
    return trim(stream, excess, args[0] === '~');
  },
  XDEL: (keys, [key = '', ...ids]) => {
    const stream = keys.read(key, 'stream');
    if (stream === undefined) return 0;
    const gone = new Set(ids);
    const before = stream.entries.length;
    stream.entries = stream.entries.filter(({ id }) => !gone.has(idText(id)));
    return before - stream.entries.length;
  },
  /** `XSETID key last-id [ENTRIESADDED n MAXDELETEDID id]` */
  XSETID: (keys, [key = '', id = '', _name, added]) => {
    const stream = keys.read(key, 'stream');
    if (stream === undefined) throw new Error('ERR no such key');
    const newest = stream.entries.at(-1)?.id ?? [0, 0];
    if (compare(idIn(id), newest) < 0) {
      throw new Error('ERR The ID specified in XSETID is smaller than the target stream top item');
    }
    stream.last = idIn(id);
    if (added !== undefined) stream.added = Number(added);
    return { ok: 'OK' };
  },
  /** `XINFO STREAM key`; groups, nodes and whole entries are left out. */
  XINFO: (keys, [, key = '']) => {
    const stream = keys.read(key, 'stream');
    if (stream === undefined) throw new Error('ERR no such key');
    const { entries, last, added } = stream;
    return ['length', entries.length, 'last-generated-id', idText(last), 'entries-added', added];
  },
  /** `MEMORY USAGE key`, of a stream only: an estimate from a few entries, as Redis makes it. */
  MEMORY: (keys, [, key = '']) => {
    const stream = keys.read(key, 'stream');
    if (stream === undefined) return null;
    const some = stream.entries.slice(0, sampled);
    const bytes = some
      .flatMap(({ fields }) => fields)
      .reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    return Math.round((bytes / Math.max(1, some.length) + entryBytes) * stream.entries.length);
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

/** Removes the oldest entries; with `isLoose` only if they are many. Returns how many. */
function trim(stream: Stream, excess: number, isLoose: boolean): number {
  if (excess <= (isLoose ? slack : 0)) return 0;
  return stream.entries.splice(0, excess).length;
}

function idIn(text: string): StreamId {
  const [ms, sequence = 0] = text.split('-').map(Number);
  return [ms ?? 0, sequence];
}

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
