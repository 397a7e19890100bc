/** What a reader that does not read may make us keep; after that, lines are dropped and counted. */
const maxWaitingBytes = 4 * 1024 * 1024;

interface Output {
  readonly writableLength: number;
  write(text: string): boolean;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/**
 * Writes to standard output without ever throwing, blocking or growing without bound. A log reader that went
 * away (EPIPE) ends the logging, not the gateway; one that is slow (EAGAIN) is waited for by Node's stream.
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
