import { execFile } from 'node:child_process';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import { onPath } from './peers.ts';
import type { Target } from './site.ts';

const run = promisify(execFile);
const autocannon = fileURLToPath(new URL('node_modules/autocannon/autocannon.js', import.meta.url));

export interface Load {
  target: Target;
  path: string;
  body: string;
  connections: number;
  seconds: number;
}

export interface Loaded {
  requests: number;
  perSecond: number;
  /** Answers that were not 2xx. */
  failed: number;
}

/** As many calls as possible: by wrk, which costs the least, or by autocannon if wrk is missing. */
export function load(options: Load): Promise<Loaded> {
  return onPath('wrk') ? withWrk(options) : withAutocannon(options);
}

async function withWrk({ target, path, body, connections, seconds }: Load): Promise<Loaded> {
  const script = join(await mkdtemp(join(tmpdir(), 'tollgate-bench-')), 'request.lua');
  const headers = Object.entries({ ...target.headers, 'content-type': 'application/json' });
  const lines = headers.map(
    ([name, value]) => `wrk.headers[${JSON.stringify(name)}] = ${JSON.stringify(value)}`,
  );
  await writeFile(script, `wrk.method = "POST"\nwrk.body = [[${body}]]\n${lines.join('\n')}\n`);
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '30s', '-s', script];
  const { stdout } = await run('wrk', [...args, target.url + path]);
  const requests = Number(/(\d+) requests in/.exec(stdout)?.[1]);
  const failed = Number(/Non-2xx or 3xx responses: (\d+)/.exec(stdout)?.[1] ?? 0);
  return { requests, perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]), failed };
}

async function withAutocannon({ target, path, body, connections, seconds }: Load): Promise<Loaded> {
  const headers = Object.entries(target.headers).flatMap(([name, value]) => ['-H', `${name}=${value}`]);
  const how = ['-j', '-m', 'POST', '-c', String(connections), '-d', String(seconds), '-b', body];
  const args = [autocannon, ...how, '-H', 'content-type=application/json', ...headers, target.url + path];
  const { stdout } = await run(process.execPath, args, { maxBuffer: 50_000_000 });
  const told = JSON.parse(stdout) as { requests: { total: number; average: number }; non2xx: number };
  return { requests: told.requests.total, perSecond: told.requests.average, failed: told.non2xx };
}
