import { columns } from './columns.ts';
import { type Load, load } from './load.ts';
import { cpuMs } from './processes.ts';
import { median } from './report.ts';
import type { Target } from './site.ts';

export interface Measured {
  cpuUs: number;
  perSecond: number;
}

const warmUpS = 6; // a shorter one would measure the compiler

/** CPU per request and requests a second of each target, in turn, several times; the medians by name. */
export async function throughput(
  targets: readonly Target[],
  {
    rounds,
    seconds,
    ...what
  }: { rounds: number; seconds: number } & Pick<Load, 'path' | 'body' | 'connections'>,
): Promise<Map<string, Measured>> {
  const measured = new Map(targets.map(({ name }): [string, Measured[]] => [name, []]));
  for (const target of targets) await load({ ...what, target, seconds: warmUpS });
  for (let round = 0; round < rounds; round += 1) {
    for (const target of targets) {
      const before = await cpuMs(target.pid);
      const { requests, perSecond, failed } = await load({ ...what, target, seconds });
      if (failed > 0) throw new Error(`${target.name}: ${failed} of ${requests} requests failed.`);
      const usedMs = (await cpuMs(target.pid)) - before;
      measured.get(target.name)?.push({ cpuUs: (usedMs * 1_000) / requests, perSecond });
    }
  }
  return new Map(
    [...measured].map(([name, all]) => [
      name,
      { cpuUs: median(all.map((m) => m.cpuUs)), perSecond: median(all.map((m) => m.perSecond)) },
    ]),
  );
}

export const throughputColumns = [
  'CPU µs a request',
  columns.cpuTimesBare,
  'thousand instructions',
  columns.instructionsTimesBare,
  'requests/s',
  'requests/s, × bare',
];

/** Rows of a table: each target's figures, and their ratios to the first's; NaN if instructions were not counted. */
export function rowsOf(
  measured: ReadonlyMap<string, Measured>,
  instructions: ReadonlyMap<string, number>,
): { name: string; figures: number[] }[] {
  const figures = [...measured].map(([name, { cpuUs, perSecond }]) => ({
    name,
    cpuUs,
    perSecond,
    thousand: (instructions.get(name) ?? Number.NaN) / 1_000,
  }));
  const [first] = figures;
  if (first === undefined) return [];
  return figures.map(({ name, cpuUs, perSecond, thousand }) => ({
    name,
    figures: [
      cpuUs,
      cpuUs / first.cpuUs,
      thousand,
      thousand / first.thousand,
      perSecond,
      perSecond / first.perSecond,
    ],
  }));
}
