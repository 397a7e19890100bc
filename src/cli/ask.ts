import { createInterface } from 'node:readline';
import { CommandFailed, exitCodes } from './command-failed.ts';

/**
 * Asks a person at a terminal, on `output`. Ctrl-D answers with nothing; Ctrl-C rejects with `CommandFailed`.
 */
export function ask(
  { input, output }: { input: NodeJS.ReadableStream; output: NodeJS.WritableStream },
  question: string,
): Promise<string> {
  const lines = createInterface({ input, output, terminal: true });
  const answered = new Promise<string>((resolve, reject) => {
    lines.question(question, resolve);
    lines.once('close', () => resolve(''));
    lines.once('SIGINT', () => reject(new CommandFailed('\nNothing was changed.', exitCodes.interrupted)));
  });
  return answered.finally(() => lines.close());
}
