import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Checkpoint, noCheckpoint } from '../../../src/records/checkpoint.ts';
import { progressOf, type StreamSeen } from '../../../src/records/progress.ts';

/** A stream as Redis keeps it: ids are 1-0, 2-0, … */
class Stream {
  ids: number[] = [];
  added = 0;
  last = 0;

  add(count: number): void {
    for (let n = 0; n < count; n += 1) {
      this.last += 1;
      this.added += 1;
      this.ids.push(this.last);
    }
  }

  trim(count: number): void {
    this.ids = this.ids.slice(count);
  }

  remove(at: number): void {
    this.ids = this.ids.filter((_, n) => n !== at);
  }

  get seen(): StreamSeen {
    const [first] = this.ids;
    return {
      added: this.added,
      length: this.ids.length,
      firstId: first === undefined ? null : `${first}-0`,
      lastId: `${this.last}-0`,
    };
  }

  /** Reads after a checkpoint. */
  drain(from: Checkpoint, most: number) {
    const after = this.ids.filter((id) => id > Number.parseInt(from.id, 10));
    const read = after.slice(0, most);
    const last = read.at(-1);
    const progress = progressOf(from, this.seen, {
      count: read.length,
      lastId: last === undefined ? null : `${last}-0`,
      isAll: read.length < most,
    });
    return { ...progress, count: read.length };
  }
}

function streamOf(count: number): Stream {
  const stream = new Stream();
  stream.add(count);
  return stream;
}

describe('how far a stream is drained', () => {
  it('is at its last element once all are read', () => {
    const { next, missing } = streamOf(3).drain(noCheckpoint, 10);
    expect({ next, missing }).toEqual({ next: { id: '3-0', added: 3 }, missing: 0 });
  });

  it('is at the last element that was read', () => {
    const { next } = streamOf(30).drain(noCheckpoint, 10);
    expect(next).toEqual({ id: '10-0', added: 10 });
  });

  it('stays where it was if there is nothing', () => {
    const checkpoint = { id: '3-0', added: 3 };
    expect(streamOf(3).drain(checkpoint, 10)).toEqual({ next: checkpoint, missing: 0, count: 0 });
    expect(new Stream().drain(noCheckpoint, 10)).toEqual({ next: noCheckpoint, missing: 0, count: 0 });
  });

  it('counts what was trimmed before it was read', () => {
    const stream = streamOf(10);
    stream.trim(7);
    expect(stream.drain({ id: '3-0', added: 3 }, 10)).toMatchObject({ missing: 4, next: { id: '10-0' } });
  });

  it('counts nothing if what was trimmed had been drained', () => {
    const stream = streamOf(10);
    stream.trim(3);
    expect(stream.drain({ id: '3-0', added: 3 }, 10)).toMatchObject({ missing: 0 });
  });

  it('counts all that was trimmed, if nothing is left', () => {
    const stream = streamOf(10);
    stream.trim(10);
    expect(stream.drain({ id: '3-0', added: 3 }, 10)).toMatchObject({
      missing: 7,
      next: { id: '10-0', added: 10 },
    });
  });

  it('counts what was deleted from the middle', () => {
    const stream = streamOf(10);
    stream.remove(5);
    expect(stream.drain({ id: '3-0', added: 3 }, 20)).toMatchObject({ missing: 1, next: { added: 10 } });
  });

  it('is unknown if the stream was deleted and begun again', () => {
    const stream = new Stream();
    stream.last = 20;
    stream.add(2);
    expect(stream.drain({ id: '9-0', added: 9 }, 20)).toMatchObject({
      missing: null,
      next: { id: '22-0', added: 2 },
    });
  });

  it('waits while a deleted stream has nothing', () => {
    const checkpoint = { id: '9-0', added: 9 };
    expect(new Stream().drain(checkpoint, 20)).toMatchObject({ missing: 0, next: checkpoint });
  });

  it('adds up: what was read and what is missing are all that was added', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('add' as const), count: fc.integer({ min: 1, max: 9 }) }),
      fc.record({ do: fc.constant('trim' as const), count: fc.integer({ min: 0, max: 9 }) }),
      fc.record({ do: fc.constant('drain' as const), count: fc.integer({ min: 1, max: 7 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const stream = new Stream();
        let [checkpoint, read, missed] = [noCheckpoint, 0, 0];
        const drain = (most: number): number => {
          const { next, missing, count } = stream.drain(checkpoint, most);
          checkpoint = next;
          read += count;
          missed += missing ?? NaN;
          return count;
        };
        for (const { do: what, count } of steps) {
          if (what === 'add') stream.add(count);
          else if (what === 'trim') stream.trim(count);
          else drain(count);
        }
        while (drain(5) === 5);
        expect(read + missed).toBe(stream.added);
        expect(checkpoint.added).toBe(stream.added);
      }),
    );
  });
});
