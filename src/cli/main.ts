import { ask } from './ask.ts';
import { exitCodes } from './command-failed.ts';
import { run } from './run.ts';

const { stdin: input, stdout, stderr: output } = process;

// `tollgate requests --format csv | head`: the reader has enough.
for (const stream of [stdout, output]) {
  stream.on('error', ({ code }: NodeJS.ErrnoException) =>
    process.exit(code === 'EPIPE' ? exitCodes.done : exitCodes.failed),
  );
}

const isInteractive = input.isTTY && stdout.isTTY;

process.exitCode = await run(process.argv.slice(2), process.env, {
  out: (text) => stdout.write(`${text}\n`),
  err: (text) => output.write(`${text}\n`),
  columns: stdout.isTTY ? stdout.columns : undefined,
  // False with NO_COLOR, and for a terminal that has none.
  hasColours: stdout.isTTY && stdout.hasColors(),
  ...(isInteractive ? { ask: (question) => ask({ input, output }, question) } : {}),
});
