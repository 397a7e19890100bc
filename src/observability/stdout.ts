/** The most bytes to keep for a slow reader. Beyond that, lines are dropped and counted. */
const maxWaitingBytes = 4 * 1024 * 1024;

interface Output {
  readonly writableLength: number;
  write(text: string): boolean;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/**
 * Writes to standard output; never throws, blocks or grows without bound. If the log reader has gone (EPIPE), logging
 * ends, not the gateway. If it is slow (EAGAIN), Node's stream waits for it.
 */
export function stdoutWriter(output: Output = process.stdout): (text: string) => void {
  const state = { broken: false, dropped: 0 };
  output.on('error', () => {
    state.broken = true;
  });
  return function write(text) {
    if (state.broken) return;
    if (output.writableLength > maxWaitingBytes) {
      state.dropped += 1;
      return;
    }
    if (state.dropped > 0) {
      output.write(
        `{"level":"warn","msg":"log lines dropped: nobody read them","batches":${state.dropped}}\n`,
      );
      state.dropped = 0;
    }
    output.write(text);
  };
}
