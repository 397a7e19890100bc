import { createInterface } from 'node:readline';
import { CommandFailed, exitCodes } from './command-failed.ts';
import { run } from './run.ts';

// `tollgate requests --format csv | head`: whoever reads has enough.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', ({ code }: NodeJS.ErrnoException) =>
    process.exit(code === 'EPIPE' ? exitCodes.done : exitCodes.failed),
  );
}

const somebodyIsThere = process.stdin.isTTY && process.stdout.isTTY;

process.exitCode = await run(process.argv.slice(2), process.env, {
  out: (text) => process.stdout.write(`${text}\n`),
  err: (text) => process.stderr.write(`${text}\n`),
  ...(somebodyIsThere ? { ask } : {}),
});

/** Ctrl-D is no answer; Ctrl-C ends the command. */
function ask(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const answered = new Promise<string>((resolve, reject) => {
    lines.question(question, resolve);
    lines.once('close', () => resolve(''));
    lines.once('SIGINT', () => reject(new CommandFailed('\nNothing was changed.', exitCodes.interrupted)));
  });
  return answered.finally(() => lines.close());
}
