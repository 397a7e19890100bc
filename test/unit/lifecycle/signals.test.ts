import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { onStopSignals } from '../../../src/lifecycle/signals.ts';

function setUp() {
  const source = new EventEmitter();
  const seen: string[] = [];
  const time = { ms: 0 };
  onStopSignals({
    source,
    begin: (signal) => seen.push(signal),
    exit: (code) => seen.push(`exit ${code}`),
    clock: { now: () => 0, monotonic: () => time.ms },
  });
  const send = (signal: string, atMs: number): void => {
    time.ms = atMs;
    source.emit(signal);
  };
  return { send, seen };
}

describe('stop signals', () => {
  it.each(['SIGTERM', 'SIGINT'])('%s begins the shutdown', (signal) => {
    const { send, seen } = setUp();
    send(signal, 0);
    expect(seen).toEqual([signal]);
  });

  it('no number of SIGTERMs ends the process early', () => {
    const { send, seen } = setUp();
    for (const atMs of [0, 10, 5_000, 20_000]) send('SIGTERM', atMs);
    expect(new Set(seen)).toEqual(new Set(['SIGTERM']));
  });

  it('the echo of a Ctrl-C changes nothing, a second one ends the process at once', () => {
    const { send, seen } = setUp();
    send('SIGINT', 0);
    send('SIGINT', 999);
    expect(seen).toEqual(['SIGINT', 'SIGINT']);
    send('SIGINT', 1_000);
    expect(seen.at(-1)).toBe('exit 130');
  });
});
