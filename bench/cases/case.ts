import type { InstructionCounter } from '../instructions/counter.ts';
import type { Table } from '../report.ts';

export interface CaseOptions {
  rounds: number;
  /** How long one measurement takes. */
  seconds: number;
  /** Counts instructions; null if nothing on this machine can. */
  counter: InstructionCounter | null;
  say: (text: string) => void;
}

/** One of the benchmarks: starts what it needs, measures, stops it. */
export type Case = (options: CaseOptions) => Promise<Table>;
