import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findPrometheus } from '../../scripts/find-prometheus.ts';
import { dieWithMe } from './die-with-me.ts';
import { freePort } from './free-port.ts';
import { waitFor } from './wait-for.ts';

/** Targets that are scraped under one job, each `host:port`. */
export interface Job {
  job: string;
  targets: readonly string[];
  /** What `/metrics` needs. */
  credential?: string;
}

export interface Series {
  metric: Readonly<Record<string, string>>;
  /** Seconds, and the value as a text. */
  values: readonly (readonly [number, string])[];
}

export interface Prometheus {
  /** The series of an expression at this moment, each with one value. */
  query(expression: string): Promise<Series[]>;
  /** The same over a time, in seconds. */
  queryRange(expression: string, over: { start: number; end: number; step: number }): Promise<Series[]>;
  /** `data` of another path under `/api/v1`. */
  api(path: string): Promise<unknown>;
  stop(): Promise<void>;
}

interface Options {
  jobs: readonly Job[];
  /** Files with rules, absolute. */
  rules?: readonly string[];
  /** How often it scrapes and evaluates. Default: every second. */
  everyS?: number;
}

/** A real Prometheus on a free loopback port, in a folder of its own; it ends with this process at the latest. */
export async function startPrometheus({ jobs, rules = [], everyS = 1 }: Options): Promise<Prometheus> {
  const found = findPrometheus();
  if (found === null) throw new Error('There is no Prometheus: scripts/ensure-prometheus.ts gets one.');
  const directory = await mkdtemp(join(tmpdir(), 'tollgate-prometheus-'));
  const config = join(directory, 'prometheus.json'); // JSON is YAML
  await writeFile(config, JSON.stringify(configOf({ jobs, rules, everyS })));
  const port = await freePort();
  const child = spawn(
    found.prometheus,
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(directory, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=error',
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  dieWithMe(child, directory);
  const api = async (path: string, parameters: Readonly<Record<string, string>> = {}): Promise<unknown> => {
    const answer = await fetch(
      `http://127.0.0.1:${port}/api/v1/${path}?${String(new URLSearchParams(parameters))}`,
    );
    const { data, error } = (await answer.json()) as { data?: unknown; error?: string };
    if (error !== undefined) throw new Error(`${path} ${parameters['query'] ?? ''}: ${error}`);
    return data;
  };
  await waitFor(async () => (await fetch(`http://127.0.0.1:${port}/-/ready`)).ok, { what: 'Prometheus' });
  return {
    api,
    query: async (query) => {
      const { result } = (await api('query', { query })) as { result: Instant[] };
      return result.map(({ metric, value }) => ({ metric, values: [value] }));
    },
    queryRange: async (query, { start, end, step }) => {
      const over = { start: String(start), end: String(end), step: String(step) };
      const { result } = (await api('query_range', { query, ...over })) as { result: Series[] };
      return result;
    },
    stop: async () => {
      child.kill('SIGTERM');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      await rm(directory, { recursive: true, force: true });
    },
  };
}

interface Instant {
  metric: Series['metric'];
  value: readonly [number, string];
}

function configOf({ jobs, rules, everyS }: Required<Options>): object {
  return {
    global: {
      scrape_interval: `${everyS}s`,
      scrape_timeout: `${everyS}s`,
      evaluation_interval: `${everyS}s`,
    },
    rule_files: rules,
    scrape_configs: jobs.map(({ job, targets, credential }) => ({
      job_name: job,
      ...(credential === undefined ? {} : { authorization: { credentials: credential } }),
      static_configs: [{ targets }],
    })),
  };
}
