const times = 8;
const tries = 5;

/** What `growth` may come to: linear work is at 8, quadratic work at 64. */
export const linear = 24;

/**
 * How many times longer the work takes if there is eight times as much of it. It counts the processor time of this
 * thread, and the least of several runs, so that other work of the machine does not matter.
 * `prepare` gets the amount of work, 1 or 8, and returns what is to be measured.
 */
export function growth(prepare: (amount: number) => () => unknown): number {
  const [once, more] = [prepare(1), prepare(times)];
  for (let warmUp = 0; warmUp < 3; warmUp += 1) once();
  let [onceMs, moreMs] = [Infinity, Infinity];
  for (let n = 0; n < tries && !(moreMs / onceMs < linear); n += 1) {
    onceMs = Math.min(onceMs, Math.max(cpuMsOf(once), shortestMs));
    moreMs = Math.min(moreMs, cpuMsOf(more));
  }
  return moreMs / onceMs;
}

/** The same for work that awaits. */
export async function growthAwaited(prepare: (amount: number) => () => Promise<unknown>): Promise<number> {
  const [once, more] = [prepare(1), prepare(times)];
  for (let warmUp = 0; warmUp < 3; warmUp += 1) await once();
  let [onceMs, moreMs] = [Infinity, Infinity];
  for (let n = 0; n < tries && !(moreMs / onceMs < linear); n += 1) {
    onceMs = Math.min(onceMs, Math.max(await cpuMsAwaited(once), shortestMs));
    moreMs = Math.min(moreMs, await cpuMsAwaited(more));
  }
  return moreMs / onceMs;
}

/** Some systems count processor time in ticks of 10 ms. Whatever backtracks takes seconds for the larger input. */
const shortestMs = 20;

function cpuMsOf(work: () => unknown): number {
  const before = process.threadCpuUsage();
  work();
  return cpuMsSince(before);
}

async function cpuMsAwaited(work: () => Promise<unknown>): Promise<number> {
  const before = process.threadCpuUsage();
  await work();
  return cpuMsSince(before);
}

function cpuMsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1_000;
}
