import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { onTestFinished } from 'vitest';
import { dieWithMe } from '../../support/die-with-me.ts';

/** What a coding agent's command said. */
export interface AgentRun {
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

/** Where a package of this platform has a file, such as `claude` of `@anthropic-ai/claude-code`. */
export function binaryOf(packageName: string, file: string): string {
  const { resolve } = createRequire(import.meta.url);
  return join(dirname(resolve(`${packageName}-${process.platform}-${process.arch}/package.json`)), file);
}

/** A new, empty home directory; removed when the test is over. */
export async function emptyHome(): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'tollgate-agent-'));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
  return home;
}

interface Surroundings {
  home: string;
  env: Readonly<Record<string, string>>;
}

/** Starts an agent, with nothing of this process's environment but the PATH. It ends with this process at the latest. */
export function startAgent(
  command: string,
  args: readonly string[],
  { home, env }: Surroundings,
): ChildProcessByStdio<null, Readable, Readable> {
  const { PATH = '' } = process.env;
  const child = spawn(command, args, {
    cwd: home,
    env: { PATH, HOME: home, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  dieWithMe(child);
  return child;
}

/** Runs an agent to its end. */
export async function runAgent(
  command: string,
  args: readonly string[],
  surroundings: Surroundings,
): Promise<AgentRun> {
  const child = startAgent(command, args, surroundings);
  onTestFinished(() => void child.kill('SIGKILL'));
  const run: AgentRun = { exitCode: null, stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (run.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (run.stderr += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode) => resolve({ ...run, exitCode }));
  });
}
