/** The most bytes to keep for a slow reader. Beyond that, lines are dropped and counted. */
const maxWaitingBytes = 4 * 1024 * 1024;
/** A reader that takes nothing for so long will not take the rest either. */
const stuckMs = 6_000;

interface Output {
  readonly writableLength: number;
  write(text: string, written?: () => void): boolean;
  on(event: 'error', listener: (error: Error) => void): unknown;
  /** Of a pipe or a terminal: calls back after so long without progress of a write. A file has none. */
  setTimeout?(afterMs: number, stuck: () => void): unknown;
}

/** Where the lines of the log go. */
export interface LineOutput {
  write: (text: string) => void;
  /** Resolves when the reader has all of it, or takes no more. */
  delivered: () => Promise<void>;
}

/**
 * Writes to standard output; never throws, blocks or grows without bound. If the log reader has gone (EPIPE), logging
 * ends, not the gateway. If it is slow (EAGAIN), Node's stream waits for it, and `delivered` before an exit.
 */
export function standardOutput(output: Output = process.stdout): LineOutput {
  const state = { broken: false, dropped: 0 };
  output.on('error', () => {
    state.broken = true;
  });
  const tellDropped = (): void => {
    if (state.dropped === 0) return;
    output.write(`{"level":"warn","msg":"log lines dropped: nobody read them","batches":${state.dropped}}\n`);
    state.dropped = 0;
  };
  return {
    write: (text) => {
      if (state.broken) return;
      if (output.writableLength > maxWaitingBytes) {
        state.dropped += 1;
        return;
      }
      tellDropped();
      output.write(text);
    },
    delivered: async () => {
      if (state.broken) return;
      tellDropped();
      if (output.writableLength === 0) return;
      await new Promise<void>((resolve) => {
        output.write('', resolve); // called once all before it has gone out, or cannot
        // Node calls back at the second timeout without progress of a write, hence half the time.
        output.setTimeout?.(stuckMs / 2, resolve);
      });
    },
  };
}
