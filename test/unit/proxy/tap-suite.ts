import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { StreamTap } from '../../../src/proxy/stream-tap.ts';
import { eventsIn } from './sse-reference.ts';

export type Read = Pick<
  StreamTap,
  'done' | 'finished' | 'failed' | 'usage' | 'textBytes' | 'unreportedTokens'
>;

export function read({ done, finished, failed, usage, textBytes, unreportedTokens }: StreamTap): Read {
  return { done, finished, failed, usage, textBytes, unreportedTokens };
}

/** Bytes of texts as JSON writes them. */
export function bytesOf(...texts: string[]): number {
  return texts.reduce((sum, text) => sum + Buffer.byteLength(JSON.stringify(text)) - 2, 0);
}

export function fed<T extends StreamTap>(tap: T, ...chunks: readonly (Buffer | string)[]): T {
  for (const chunk of chunks) tap.feed(Buffer.from(chunk).toString('latin1'));
  return tap;
}

/** Every real stream of a protocol is read for what is in it, however it is cut. */
export function describeTap(
  folder: string,
  { make, inside }: { make: () => StreamTap; inside: Record<string, Read> },
): void {
  const base = new URL(`../../fixtures/streams/${folder}/`, import.meta.url);
  const files = readdirSync(base).sort();

  it('every fixture is known here', () => {
    expect(files).toEqual(Object.keys(inside).sort());
  });

  describe.each(files)('%s', (file) => {
    const bytes = readFileSync(new URL(file, base));
    const ended = (...chunks: Buffer[]): Read => {
      const tap = fed(make(), ...chunks);
      tap.end();
      return read(tap);
    };

    it('is read for what is in it', () => {
      expect(ended(bytes)).toEqual(inside[file]);
    });

    it('is read alike however it is cut in two, and byte by byte', () => {
      for (let cut = 0; cut <= bytes.length; cut += 1) {
        expect(ended(bytes.subarray(0, cut), bytes.subarray(cut)), `cut at ${cut}`).toEqual(inside[file]);
      }
      expect(ended(...Array.from(bytes, (byte) => Buffer.from([byte])))).toEqual(inside[file]);
    });

    it('takes a comment wherever it says so, its events staying the same', () => {
      const events = eventsIn(bytes);
      let places = 0;
      for (let cut = 0; cut <= bytes.length; cut += 1) {
        if (!fed(make(), bytes.subarray(0, cut)).atBoundary) continue;
        places += 1;
        const commented = [bytes.subarray(0, cut), Buffer.from(': x\n\n'), bytes.subarray(cut)];
        expect(eventsIn(Buffer.concat(commented)), `at ${cut}`).toEqual(events);
      }
      expect(places).toBeGreaterThan(events.length);
    });
  });
}
