import { join } from 'node:path';
import { outputOf } from './output-of.ts';

/** Where the package is unpacked, from the project's folder. */
export const unpackedPrometheus = 'node_modules/.cache/prometheus';

/** The commands of a Prometheus that runs. */
export interface Prometheus {
  prometheus: string;
  promtool: string;
  version: string;
}

/** The one on the PATH, else the unpacked one. Null if neither runs. */
export function findPrometheus(): Prometheus | null {
  const unpacked = join(import.meta.dirname, '..', unpackedPrometheus, 'usr/bin');
  for (const folder of ['', unpacked]) {
    const prometheus = join(folder, 'prometheus');
    const promtool = join(folder, 'promtool');
    const version = /version (\d+\.\d+)/.exec(outputOf(prometheus, '--version') ?? '')?.[1];
    if (version !== undefined && outputOf(promtool, '--version') !== null)
      return { prometheus, promtool, version };
  }
  return null;
}
