import { emulator } from './emulator.ts';
import { perf } from './perf.ts';

/**
 * Counts the instructions that a program's main thread runs in user mode. Such a count is steady where a time is not:
 * neither the machine's load nor its clock changes it.
 */
export interface InstructionCounter {
  /** What counts, for the report. */
  readonly name: string;
  /** How to start a program so that it can be counted. */
  countable(command: string, args: readonly string[]): Countable;
}

export interface Countable {
  command: string;
  args: readonly string[];
  /** How many instructions the program runs while this work is done. */
  during(pid: number, work: () => Promise<void>): Promise<number>;
}

/** The processor's own counter if this machine lets us read it, else an emulator's, else none. */
export async function findCounter(): Promise<InstructionCounter | null> {
  return perf() ?? (await emulator());
}
