import cluster, { type Worker } from 'node:cluster';
import { AggregatorRegistry } from 'prom-client';
import type { Metrics, MetricsSnapshot, MetricsText } from './metrics.ts';

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

/** How long the primary waits for a worker's figures before it sums up without them. */
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
  let lastId = 0;
  cluster.on('message', (asker, message) => {
    if (isMessage(message) && message.tollgateMetrics === 'sum') void answer(asker, message.id, ++lastId);
  });
}

async function answer(asker: Worker, askerId: number, id: number): Promise<void> {
  const registry = AggregatorRegistry.aggregate(await collectSnapshots(id));
  const text = { contentType: registry.contentType, body: await registry.metrics() };
  send(asker, { tollgateMetrics: 'summed', id: askerId, text });
}

function collectSnapshots(id: number): Promise<MetricsSnapshot[]> {
  const asked = Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
  const missing = new Set(asked);
  const snapshots: MetricsSnapshot[] = [];
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      cluster.off('message', onReply);
      resolve(snapshots);
    };
    const onReply = (worker: Worker, message: unknown): void => {
      if (!isMessage(message) || message.tollgateMetrics !== 'snapshotted' || message.id !== id) return;
      snapshots.push(message.snapshot);
      missing.delete(worker);
      if (missing.size === 0) finish();
    };
    const timer = setTimeout(finish, workerTimeoutMs);
    cluster.on('message', onReply);
    for (const worker of asked) send(worker, { tollgateMetrics: 'snapshot', id });
  });
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
