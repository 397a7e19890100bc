import { readFileSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { textOf } from '../config/text-file.ts';
import { codeOf, CommandFailed } from './command-failed.ts';

/** The text of a file, or of standard input (`-`), and what messages call it. Rejects with `CommandFailed`. */
export async function readInput(file: string): Promise<{ name: string; text: string }> {
  const name = file === '-' ? 'Standard input' : file;
  let bytes: Buffer;
  try {
    // Standard input is not read by its descriptor: an empty pipe would be an error (EAGAIN).
    bytes = file === '-' ? await buffer(process.stdin) : readFileSync(file);
  } catch (error) {
    throw new CommandFailed(`${name} cannot be read (${codeOf(error)}).`);
  }
  const read = textOf(bytes);
  if ('problem' in read) throw new CommandFailed(`${name} ${read.problem}.`);
  return { name, text: read.text };
}
