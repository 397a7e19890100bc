import cluster from 'node:cluster';

/**
 * In a worker: begins the shutdown when the primary is gone. Node would end the worker on the spot, with its
 * requests; telling it that the parting was meant leaves them time.
 */
export function onPrimaryLost(begin: (reason: string) => unknown): void {
  const { worker } = cluster;
  worker?.on('disconnect', () => {
    worker.exitedAfterDisconnect = true;
    begin('primary process lost');
  });
}

/** Whether this is the first of the processes that were started together: it says what needs saying once. */
export function isFirstProcess(): boolean {
  return (cluster.worker?.id ?? 1) === 1;
}
