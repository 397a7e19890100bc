import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import type { InstructionCounter } from './counter.ts';

const stat = ['stat', '-x,', '-e', 'instructions:u'];

/** The processor's counter, read by perf; null if there is no perf, or if it may not count here. */
export function perf(): InstructionCounter | null {
  const tried = spawnSync('perf', [...stat, 'true'], { encoding: 'utf8' });
  if (tried.status !== 0 || instructionsIn(tried.stderr) === null) return null;
  return { name: 'perf', countable: (command, args) => ({ command, args, during: counted }) };
}

/** Perf counts a thread for as long as a command of its own runs: here one that ends when its input does. */
async function counted(pid: number, work: () => Promise<void>): Promise<number> {
  const counting = spawn('perf', [...stat, '-t', String(pid), '--', 'sh', '-c', 'echo counting; cat']);
  const report = text(counting.stderr);
  await once(counting.stdout, 'data');
  await work();
  counting.stdin.end();
  const count = instructionsIn(await report);
  if (count === null) throw new Error(`perf did not count: ${await report}`);
  return count;
}

/** The count in a report of `perf stat -x,`: a line for each kind of core; null if it could not count. */
export function instructionsIn(report: string): number | null {
  const counts = [...report.matchAll(/^(\d+),[^,]*,[^,]*instructions/gm)].map(([, count]) => Number(count));
  return counts.length > 0 ? counts.reduce((sum, count) => sum + count, 0) : null;
}
