import type { KeyQuota } from './key-quota.ts';
import type { RequestQueue, WaitBudget } from './request-queue.ts';

/** A part of a request that is next. Its tokens were counted with the first part. */
export interface PartTurn {
  team: string;
  quota: KeyQuota;
  queue: RequestQueue;
  nowMs: number;
  /** How long this part may wait; null: it does not. */
  waitBudget: (() => WaitBudget) | null;
  send: () => void;
  refuse: () => void;
  /** It waits until `stop` is called, or it is sent or refused. */
  waits: (stop: () => void) => void;
}

/**
 * A part takes a turn of its team's, as requests do: those that wait go first, and without quota it waits like them. So a
 * request in many parts does not use up a key that all teams share.
 */
export function takeTurn({ team, quota, queue, nowMs, waitBudget, send, refuse, waits }: PartTurn): void {
  const hasQuota = (atMs: number): boolean => quota.remaining(atMs, 0, team) > 0;
  queue.serve();
  if (waitBudget === null || (queue.size === 0 && hasQuota(nowMs))) return send();
  const budget = waitBudget();
  if (!budget.covers(quota, nowMs, { team, tokens: 0 })) {
    return quota.mayProbe(nowMs, team) ? send() : refuse();
  }
  waits(queue.enter({ team, deadlineMs: budget.start(nowMs), ready: hasQuota, send, expire: refuse }));
  queue.serve();
}
