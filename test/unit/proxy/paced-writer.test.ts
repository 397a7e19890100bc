import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PacedWriter } from '../../../src/proxy/paced-writer.ts';

/** Node's response, with notes of what it was told. */
class FakeResponse extends EventEmitter {
  readonly seen: string[] = [];
  isFull = false;
  socket: { setTimeout(ms: number): void; destroySoon(): void } | null = {
    setTimeout: (ms) => this.seen.push(`timeout ${ms}`),
    destroySoon: () => this.seen.push('cut'),
  };

  write(chunk: string | Buffer): boolean {
    this.seen.push(chunk.toString());
    return !this.isFull;
  }

  end(chunk?: Buffer): void {
    this.seen.push(`${chunk?.toString() ?? ''}(end)`);
  }

  destroy(): void {
    this.seen.push('destroyed');
  }
}

let response: FakeResponse;
let writer: PacedWriter;

beforeEach(() => {
  vi.useFakeTimers();
  response = new FakeResponse();
  // A writer uses no more of Node's response than this one has.
  writer = new PacedWriter(response as unknown as ServerResponse, 60_000);
  const { seen } = response;
  writer.paces({ pause: () => void seen.push('pause'), resume: () => void seen.push('resume') });
});
afterEach(() => vi.useRealTimers());

describe('a reader that', () => {
  it('keeps up is not paused for', () => {
    writer.writeLatin1('a');
    writer.writeLatin1('b');
    expect([response.seen, writer.blocked]).toEqual([['a', 'b'], false]);
  });

  it('falls behind pauses the upstream once, until it has caught up', () => {
    response.isFull = true;
    writer.writeLatin1('a');
    writer.writeLatin1('b');
    expect(response.seen).toEqual(['a', 'pause', 'b']);
    expect(writer.blocked).toBe(true);
    response.emit('drain');
    expect(response.seen.slice(3)).toEqual(['resume']);
    expect(writer.blocked).toBe(false);
  });

  it('falls behind again is paused for again', () => {
    response.isFull = true;
    for (let n = 0; n < 2; n += 1) {
      writer.writeLatin1('a');
      response.emit('drain');
    }
    expect(response.seen.filter((told) => told === 'pause')).toHaveLength(2);
    expect(response.listenerCount('drain')).toBe(0);
  });
});

describe('a cut', () => {
  it('comes once the reader has had time for what was written, and never as a clean end', () => {
    writer.writeLatin1('a');
    writer.cut();
    vi.advanceTimersByTime(49);
    expect(response.seen).toEqual(['a', 'timeout 30000']);
    vi.advanceTimersByTime(1);
    expect(response.seen.at(-1)).toBe('cut');
    expect(response.seen.join()).not.toContain('(end)');
  });

  it('of a connection that is gone only lets go of the reply', () => {
    writer.cut();
    response.socket = null;
    vi.advanceTimersByTime(50);
    expect(response.seen.at(-1)).toBe('destroyed');
  });
});
