import { spawnSync } from 'node:child_process';

/** What a command prints; null if it cannot be run, or fails. */
export function outputOf(command: string, ...args: string[]): string | null {
  const { error, status, stdout } = spawnSync(command, args, { encoding: 'utf8' });
  return error !== undefined || status !== 0 ? null : stdout;
}
