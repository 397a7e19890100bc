import { type Checkpoint, compareIds } from './checkpoint.ts';

/** A stream of the store, as it was when elements were read. */
export interface StreamSeen {
  /** How many elements it has ever been given. */
  readonly added: number;
  /** How many it has. */
  readonly length: number;
  /** Null if it has none. */
  readonly firstId: string | null;
  /** The newest id that it ever gave; `0-0` if none. */
  readonly lastId: string;
}

/** The elements that were read after the checkpoint. */
interface Read {
  readonly count: number;
  /** Of the last one; null if there was none. */
  readonly lastId: string | null;
  /** Whether none is left after them. */
  readonly isAll: boolean;
}

export interface Progress {
  readonly next: Checkpoint;
  /**
   * How many elements after the checkpoint were gone before they could be read. Null: some may be, but the stream has
   * lost its count, because somebody deleted it.
   */
  readonly missing: number | null;
}

/**
 * How far a stream is drained after a read, and what is missing of it. Streams are trimmed at their old end, so the
 * count of what was added says how many elements the first one had before it. Pure.
 */
export function progressOf(checkpoint: Checkpoint, seen: StreamSeen, read: Read): Progress {
  const { firstId } = seen;
  if (seen.added < checkpoint.added && firstId === null) return { next: checkpoint, missing: 0 };
  const startsLater = firstId === null || compareIds(firstId, checkpoint.id) > 0;
  const before = startsLater ? seen.added - seen.length : checkpoint.added;
  const added = before + read.count;
  const trimmed = before - checkpoint.added;
  if (!read.isAll) return { next: { id: read.lastId ?? checkpoint.id, added }, missing: countOf(trimmed) };
  // Nothing is left: what was added and not read is gone, wherever it was.
  const deleted = Math.max(0, seen.added - added);
  const id = compareIds(seen.lastId, checkpoint.id) > 0 ? seen.lastId : checkpoint.id;
  return { next: { id, added: seen.added }, missing: trimmed < 0 ? null : trimmed + deleted };
}

function countOf(trimmed: number): number | null {
  return trimmed < 0 ? null : trimmed;
}
