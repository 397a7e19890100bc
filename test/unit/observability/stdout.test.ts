import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { stdoutWriter } from '../../../src/observability/stdout.ts';

class Pipe extends EventEmitter {
  writableLength = 0;
  written: string[] = [];
  write(text: string): boolean {
    this.written.push(text);
    return true;
  }
}

describe('writing to standard output', () => {
  it('goes on without a word when the reader has gone', () => {
    const pipe = new Pipe();
    const write = stdoutWriter(pipe);
    write('a');
    pipe.emit('error', Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
    write('b');
    expect(pipe.written).toEqual(['a']);
  });

  it('drops lines rather than keep more than 4 MiB, and says so later', () => {
    const pipe = new Pipe();
    const write = stdoutWriter(pipe);
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
});
