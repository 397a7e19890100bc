import cluster, { type Worker } from 'node:cluster';
import type { Metrics, MetricsSnapshot, MetricsText } from './metrics.ts';
import { WorkerSums } from './worker-sums.ts';

/*
 * /metrics reaches one worker, which answers with the sum over all of them: it asks the primary, and the primary asks
 * every worker. prom-client's own cluster support fails the whole scrape if one worker does not answer, and supports
 * only its global registry.
 */

interface Question {
  tollgateMetrics: 'sum' | 'snapshot';
  id: number;
}
type Reply =
  | { tollgateMetrics: 'summed'; id: number; text: MetricsText }
  | { tollgateMetrics: 'snapshotted'; id: number; snapshot: MetricsSnapshot };
type Message = Question | Reply;

/** How long the primary waits for a worker's figures before it takes those it had last. */
const workerTimeoutMs = 1_000;
/** How long a worker waits for the sum. */
const primaryTimeoutMs = 2_500;

/**
 * The text of GET /metrics: of this process if it runs alone, else summed over all workers. Rejects if the primary does
 * not answer: one worker's figures alone would look like falling counters.
 */
export function createMetricsEndpoint(metrics: Metrics): () => Promise<MetricsText> {
  if (!cluster.isWorker) return () => metrics.text();

  const waiting = new Map<number, (text: MetricsText) => void>();
  process.on('message', (message) => {
    if (!isMessage(message)) return;
    if (message.tollgateMetrics === 'snapshot') void reportSnapshot(metrics, message.id);
    if (message.tollgateMetrics === 'summed') waiting.get(message.id)?.(message.text);
  });

  let lastId = 0;
  return async function summedOverWorkers() {
    const id = ++lastId;
    try {
      return await new Promise<MetricsText>((resolve, reject) => {
        const late = (): void => reject(new Error('The primary process did not sum up the metrics in time.'));
        setTimeout(late, primaryTimeoutMs).unref();
        waiting.set(id, resolve);
        send(process, { tollgateMetrics: 'sum', id });
      });
    } finally {
      waiting.delete(id);
    }
  };
}

/** In the primary: answers the workers that ask for the sum. Once, before the first fork. */
export function sumMetricsOfWorkers(): void {
  const sums = new WorkerSums();
  const rounds = new Map<number, Round>();
  let lastId = 0;

  /** Asks every worker for its figures, and waits until all have answered, died, or had their time. */
  async function ask(): Promise<void> {
    const id = ++lastId;
    const asked = Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
    const round = new Round(asked);
    rounds.set(id, round);
    for (const worker of asked) send(worker, { tollgateMetrics: 'snapshot', id });
    await round.over;
    rounds.delete(id);
  }

  async function answer(asker: Worker, id: number): Promise<void> {
    await ask();
    const registry = sums.sum();
    const text = { contentType: registry.contentType, body: await registry.metrics() };
    send(asker, { tollgateMetrics: 'summed', id, text });
  }

  cluster.on('message', (worker, message) => {
    if (!isMessage(message)) return;
    if (message.tollgateMetrics === 'sum') void answer(worker, message.id);
    if (message.tollgateMetrics !== 'snapshotted') return;
    // Also of one that answers too late: the next sum has it, should the worker stand still again.
    if (!worker.isDead()) sums.told(worker.id, message.snapshot);
    rounds.get(message.id)?.answered(worker);
  });
  cluster.on('exit', (worker) => {
    sums.died(worker.id);
    for (const round of rounds.values()) round.answered(worker);
  });
}

/** One question to all workers. */
class Round {
  readonly over: Promise<void>;
  readonly #missing: Set<Worker>;
  #end: () => void = () => undefined;

  constructor(asked: readonly Worker[]) {
    this.#missing = new Set(asked);
    this.over = new Promise((resolve) => {
      const timer = setTimeout(resolve, workerTimeoutMs);
      this.#end = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  answered(worker: Worker): void {
    this.#missing.delete(worker);
    if (this.#missing.size === 0) this.#end();
  }
}

async function reportSnapshot(metrics: Metrics, id: number): Promise<void> {
  send(process, { tollgateMetrics: 'snapshotted', id, snapshot: await metrics.snapshot() });
}

/** Sends to a peer. It is no error if the peer has just died: whoever waits has a deadline. */
function send(peer: Pick<NodeJS.Process, 'send'> | Pick<Worker, 'send'>, message: Message): void {
  peer.send?.(message, undefined, undefined, () => undefined);
}

/** Only our own processes use this channel, so the mark is enough. */
function isMessage(message: unknown): message is Message {
  return typeof message === 'object' && message !== null && 'tollgateMetrics' in message;
}
