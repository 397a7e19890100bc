import { setTimeout as sleep } from 'node:timers/promises';

const withinMs = 30_000;
const everyMs = 50;

/**
 * Whether a gateway becomes ready; this takes a while if its store is restored from records. A gateway that is ready also
 * knows what time its store has: `/readyz` sends a heartbeat.
 */
export async function isReady(url: string): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < withinMs; waitedMs += everyMs) {
    if ((await fetch(`${url}/readyz`)).ok) return true;
    await sleep(everyMs);
  }
  return false;
}
