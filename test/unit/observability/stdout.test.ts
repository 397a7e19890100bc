import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { standardOutput } from '../../../src/observability/stdout.ts';

class Pipe extends EventEmitter {
  writableLength = 0;
  written: string[] = [];
  afterAll: (() => void) | undefined;
  stuck: (() => void) | undefined;
  write(text: string, written?: () => void): boolean {
    this.written.push(text);
    this.afterAll = written;
    return true;
  }
  setTimeout(_afterMs: number, stuck: () => void): void {
    this.stuck = stuck;
  }
}

describe('writing to standard output', () => {
  it('goes on without a word when the reader has gone', () => {
    const pipe = new Pipe();
    const { write } = standardOutput(pipe);
    write('a');
    pipe.emit('error', Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
    write('b');
    expect(pipe.written).toEqual(['a']);
  });

  it('drops lines rather than keep more than 4 MiB, and says so later', () => {
    const pipe = new Pipe();
    const { write } = standardOutput(pipe);
    pipe.writableLength = 5 * 1024 * 1024;
    write('lost');
    write('lost');
    pipe.writableLength = 0;
    write('kept\n');
    write('kept too\n');
    const [notice = '', ...rest] = pipe.written;
    expect(JSON.parse(notice)).toMatchObject({ level: 'warn', batches: 2 });
    expect(rest).toEqual(['kept\n', 'kept too\n']);
  });

  describe('before an exit', () => {
    async function isDelivered(pipe: Pipe, then: (pipe: Pipe) => void): Promise<boolean[]> {
      const { delivered } = standardOutput(pipe);
      let done = false;
      const waiting = delivered().then(() => (done = true));
      await Promise.resolve();
      const before = done;
      then(pipe);
      await Promise.race([waiting, new Promise((resolve) => void setImmediate(resolve))]);
      return [before, done];
    }

    it('waits until a slow reader has everything', async () => {
      const pipe = Object.assign(new Pipe(), { writableLength: 1 });
      expect(await isDelivered(pipe, () => undefined)).toEqual([false, false]);
      expect(await isDelivered(pipe, () => pipe.afterAll?.())).toEqual([false, true]);
    });

    it('does not wait for a reader that takes nothing any more', async () => {
      const pipe = Object.assign(new Pipe(), { writableLength: 1 });
      expect(await isDelivered(pipe, () => pipe.stuck?.())).toEqual([false, true]);
    });

    it('does not wait if nothing is left, or the reader has gone', async () => {
      await standardOutput(new Pipe()).delivered();
      const pipe = Object.assign(new Pipe(), { writableLength: 1 });
      const { delivered } = standardOutput(pipe);
      pipe.emit('error', new Error('write EPIPE'));
      await delivered();
    });

    it('tells of lines that were dropped', async () => {
      const pipe = Object.assign(new Pipe(), { writableLength: 5 * 1024 * 1024 });
      const { write, delivered } = standardOutput(pipe);
      write('lost');
      pipe.writableLength = 0;
      await delivered();
      expect(pipe.written.map((line) => JSON.parse(line) as unknown)).toEqual([
        expect.objectContaining({ batches: 1 }),
      ]);
    });
  });
});
