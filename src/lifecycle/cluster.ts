import cluster, { type Worker } from 'node:cluster';
import type { Clock } from '../base/clock.ts';
import type { LifecycleLog } from '../base/log.ts';
import { onStopSignals } from './signals.ts';

/** Workers end within 27.5 s of a signal; one that takes longer is stuck. */
const stopDeadlineMs = 29_000;
const firstBackoffMs = 100;
const maxBackoffMs = 10_000;
/** After this many deaths without any worker listening, give up: it will not get better by itself. */
const hopelessDeaths = 5;

export interface PrimaryOptions {
  workers: number;
  log: LifecycleLog;
  clock: Clock;
  exit: (code: number) => void;
}

/** In the primary: keeps `workers` processes running, and ends with them. */
export function runPrimary({ workers, log, clock, exit }: PrimaryOptions): void {
  const state = { stopping: false, exitCode: 0, deaths: 0 };
  const listening = new Set<Worker>();

  const fork = (): void => {
    if (!state.stopping) cluster.fork();
  };
  const end = (): void => {
    void log.delivered().finally(() => exit(state.exitCode));
  };
  const stop = (signal: NodeJS.Signals): void => {
    if (state.stopping) return;
    state.stopping = true;
    log.info('stopping workers', { reason: signal });
    if (livingWorkers().length === 0) end();
    for (const worker of livingWorkers()) worker.process.kill(signal);
    setTimeout(() => {
      log.error('killing workers that did not stop in time');
      for (const worker of livingWorkers()) worker.process.kill('SIGKILL');
    }, stopDeadlineMs).unref();
  };

  cluster.on('listening', (worker) => {
    listening.add(worker);
    state.deaths = 0;
  });
  cluster.on('exit', (worker, code, signal) => {
    listening.delete(worker);
    if (state.stopping) {
      if (livingWorkers().length === 0) end();
      return;
    }
    state.deaths += 1;
    log.error('worker died', { worker_pid: worker.process.pid, code, signal });
    if (state.deaths >= hopelessDeaths && listening.size === 0) {
      log.fatal('giving up: workers die before they listen', { deaths: state.deaths });
      state.exitCode = 1;
      stop('SIGTERM');
      return;
    }
    setTimeout(fork, backoffMs(state.deaths));
  });
  onStopSignals({ begin: (signal) => stop(signal as NodeJS.Signals), exit, clock });

  for (let started = 0; started < workers; started++) fork();
}

/** 100 ms after the first death, doubling with each, up to 10 s. */
export function backoffMs(deaths: number): number {
  return Math.min(firstBackoffMs * 2 ** (deaths - 1), maxBackoffMs);
}

function livingWorkers(): Worker[] {
  const workers = Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
  return workers.filter((worker) => !worker.isDead());
}

/** Whether this is the first of the processes that were started together: it logs what must be logged only once. */
export function isFirstProcess(): boolean {
  return (cluster.worker?.id ?? 1) === 1;
}
