import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { availableParallelism } from 'node:os';

/*
 * `npm run test:stress -- [times] [vitest's arguments]`: the tests again and again (ten times), files in another
 * order each time, while a busy loop holds every core. Stops at the first run that fails and says which.
 */

const [first = '', ...rest] = process.argv.slice(2);
const isCount = /^\d+$/.test(first);
const times = isCount ? Number(first) : 10;
const filters = isCount ? rest : [first, ...rest].filter((text) => text !== '');

const busy: ChildProcess[] = Array.from({ length: availableParallelism() }, () =>
  spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }),
);
const stop = (): void => {
  for (const loop of busy) loop.kill('SIGKILL');
};
process.on('exit', stop);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));

for (let run = 1; run <= times; run += 1) {
  const shuffled = ['--sequence.shuffle.files', `--sequence.seed=${run}`];
  console.log(`Run ${run} of ${times}: vitest run ${[...shuffled, ...filters].join(' ')}`);
  const { status } = spawnSync('vitest', ['run', ...shuffled, ...filters], { stdio: 'inherit' });
  if (status === 0) continue;
  console.error(`Run ${run} of ${times} failed.`);
  process.exit(1);
}
console.log(`${times} runs passed.`);
process.exit(0);
