import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { waitFor } from '../test/support/wait-for.ts';

/** A program that is measured or helps to measure. */
export interface Running {
  readonly pid: number;
  stop(): Promise<void>;
}

export interface Program {
  command: string;
  args: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** A file for its output, as for a log; absent: its output is discarded. */
  logFile?: string;
  /** Where it listens. */
  url: string;
  /** It is ready once this path answers; absent: `/`. */
  readyPath?: string;
}

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts a program and waits until it answers; it ends with this process at the latest. */
export async function startProgram({
  command,
  args,
  env = {},
  logFile,
  url,
  readyPath = '/',
}: Program): Promise<Running> {
  const output = logFile === undefined ? 'ignore' : openSync(logFile, 'a');
  const child = spawn(command, args, {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', output, output],
  });
  running.add(child);
  const exited = once(child, 'exit').then(() => running.delete(child));
  const program = `${command} ${args.join(' ')}`;
  const answered = waitFor(async () => (await fetch(url + readyPath)).status < 500, {
    what: `${program} to answer`,
    timeoutMs: 120_000, // an emulator starts slowly
    everyMs: 50,
  });
  const failed = exited.then(() => Promise.reject(new Error(`${program} ended before it answered.`)));
  await Promise.race([answered, failed]);
  return {
    pid: child.pid ?? 0,
    stop: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

const ticksPerS = 100; // USER_HZ, the same on every Linux

/** CPU time a process has used, all its threads together, ms: proc_pid_stat(5), utime and stime. */
export async function cpuMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1_000) / ticksPerS;
}

/** The memory of a process, bytes. */
export async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1_024;
}

/** How often a process has read from anything: proc_pid_io(5), syscr. */
export async function readCalls(pid: number): Promise<number> {
  const io = await readFile(`/proc/${pid}/io`, 'utf8');
  return Number(/syscr: (\d+)/.exec(io)?.[1]);
}
