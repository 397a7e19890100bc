import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { dieWithMe } from './die-with-me.ts';
import { freePort } from './free-port.ts';
import { waitFor, within } from './wait-for.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** Where `npm run build` keeps compiled sources, which halves the start of every process. */
export const compiledAhead = {
  NODE_COMPILE_CACHE: `${root}node_modules/.cache/node-compile`,
  NODE_COMPILE_CACHE_PORTABLE: '1',
};

export interface ProgramOptions {
  /** A file to run, relative to the project: `src/main.ts`. */
  entry: string;
  args?: readonly string[];
  /** Options of Node itself. */
  nodeArgs?: readonly string[];
  /** The whole environment besides PATH and NODE_COMPILE_CACHE…: nothing of the test's own leaks in. */
  env?: Readonly<Record<string, string>>;
}

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface Program {
  readonly pid: number;
  readonly exited: Promise<Exit>;
  stdout(): string;
  stderr(): string;
  kill(signal: NodeJS.Signals): void;
  /** Sends the signal and waits for the end. */
  stop(signal?: NodeJS.Signals, timeoutMs?: number): Promise<Exit>;
}

export interface GatewayOptions {
  env: Readonly<Record<string, string>>;
  /** Default `src/main.ts`. */
  entry?: string;
  port?: number;
  readyTimeoutMs?: number;
  nodeArgs?: readonly string[];
}

export interface SpawnedGateway extends Program {
  readonly port: number;
  readonly url: string;
}

/** Runs a TypeScript file with this Node, collecting what it prints. It ends with this process at the latest. */
export function launch({ entry, args = [], nodeArgs = [], env = {} }: ProgramOptions): Program {
  const child = spawn(process.execPath, [...nodeArgs, entry, ...args], {
    cwd: root,
    env: { PATH: process.env['PATH'] ?? '', ...compiledAhead, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  dieWithMe(child);
  const collected = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (collected.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (collected.stderr += text));
  const exited = new Promise<Exit>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal })); // `close`: all output is in
  });
  return {
    pid: child.pid ?? 0,
    exited,
    stdout: () => collected.stdout,
    stderr: () => collected.stderr,
    kill: (signal) => void child.kill(signal),
    stop: async (signal = 'SIGTERM', timeoutMs = 32_000) => {
      child.kill(signal);
      return await within(exited, timeoutMs, `${entry} to end after ${signal}`);
    },
  };
}

/** Runs the gateway on a free loopback port and waits until `/readyz` answers 200. */
export async function spawnGateway(options: GatewayOptions): Promise<SpawnedGateway> {
  const { entry = 'src/main.ts', readyTimeoutMs = 60_000, nodeArgs = [] } = options;
  const port = options.port ?? (await freePort());
  const url = `http://127.0.0.1:${port}`;
  const program = launch({ entry, nodeArgs, env: { PORT: String(port), HOST: '127.0.0.1', ...options.env } });
  let exit: Exit | undefined;
  program.exited.then(
    (seen) => (exit = seen),
    () => (exit = { code: null, signal: null }),
  );
  const ready = async (): Promise<boolean> => {
    if (exit) return true;
    const answer = await fetch(`${url}/readyz`);
    await answer.arrayBuffer();
    return answer.status === 200;
  };
  try {
    await waitFor(ready, { timeoutMs: readyTimeoutMs, what: `${entry} to be ready` });
    if (exit) throw new Error(`${entry} ended with code ${exit.code}.`);
  } catch (error) {
    program.kill('SIGKILL');
    throw new Error(`${String(error)}\nstdout:\n${program.stdout()}\nstderr:\n${program.stderr()}`, {
      cause: error,
    });
  }
  return { ...program, port, url };
}
