import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/* The files of `operations/`, as the tests and the picture read them. */

export const prometheusFolder = join(import.meta.dirname, '../../operations/prometheus');
const grafanaFolder = join(import.meta.dirname, '../../operations/grafana');

/** The files with rules, absolute. */
export function ruleFiles(): string[] {
  return filesIn(prometheusFolder, '.rules.yml');
}

/** The tests of the rules, absolute. */
export function ruleTests(): string[] {
  return filesIn(join(prometheusFolder, 'tests'), '.test.yml');
}

function filesIn(folder: string, ending: string): string[] {
  const names = readdirSync(folder).filter((name) => name.endsWith(ending));
  return names.map((name) => join(folder, name));
}

export interface Target {
  refId: string;
  expr: string;
  legendFormat: string;
  instant: boolean;
}

/** What is read of a panel; `docs` of Grafana have the rest. */
export interface Panel {
  type: 'row' | 'stat' | 'timeseries' | 'bargauge' | 'table';
  title: string;
  description?: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: Target[];
  fieldConfig?: {
    defaults: {
      unit?: string;
      decimals?: number;
      noValue?: string;
      thresholds?: { steps: { color: string; value: number | null }[] };
      custom?: {
        lineInterpolation?: string;
        fillOpacity?: number;
        stacking?: { mode: string };
        thresholdsStyle?: { mode: string };
      };
    };
    overrides: { matcher: { options: string }; properties: { id: string; value: unknown }[] }[];
  };
  transformations?: { id: string; options: Record<string, unknown> }[];
}

export interface Dashboard {
  uid: string;
  title: string;
  panels: Panel[];
  templating: { list: { name: string }[] };
}

/** A dashboard by the name of its file, such as `overview`. */
export function dashboard(name: string): Dashboard {
  return JSON.parse(readFileSync(join(grafanaFolder, `${name}.json`), 'utf8')) as Dashboard; // as committed
}

export const dashboardNames: readonly string[] = readdirSync(grafanaFolder).map((file) =>
  file.replace('.json', ''),
);

interface Chosen {
  job: string;
  /** What Grafana makes of the step and the scrape interval: `10s`. */
  rateInterval: string;
  range: string;
}

/** An expression with the values that Grafana would put in, for all processes of a job. */
export function filledIn(expression: string, { job, rateInterval, range }: Chosen): string {
  return expression
    .replaceAll('$__rate_interval', rateInterval)
    .replaceAll('$__range', range)
    .replaceAll('$job', job)
    .replaceAll('$instance', '.*');
}
