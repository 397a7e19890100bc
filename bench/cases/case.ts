import type { Table } from '../report.ts';

export interface CaseOptions {
  rounds: number;
  /** How long one measurement takes. */
  seconds: number;
  say: (text: string) => void;
}

/** One of the benchmarks: starts what it needs, measures, stops it. */
export type Case = (options: CaseOptions) => Promise<Table>;
