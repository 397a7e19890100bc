import { setTimeout as sleep } from 'node:timers/promises';

export interface WaitOptions {
  /** Default 60 s: ample on a machine that is busy. */
  timeoutMs?: number;
  /** What is waited for, for the message of a failure. */
  what: string;
  /** How long between two looks at first; default 20 ms. */
  everyMs?: number;
}

const longestPauseMs = 250;

/**
 * Polls until `condition` gives something truthy and returns that. A condition that throws has not come true
 * yet; its last error is the cause of the failure once the deadline has passed. Looking costs processor time that what
 * is waited for needs: the longer it takes, the longer are the pauses.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  { timeoutMs = 60_000, what, everyMs = 20 }: WaitOptions,
): Promise<Exclude<T, false | null | undefined>> {
  const begunAt = performance.now();
  const deadline = begunAt + timeoutMs;
  let cause: unknown;
  while (performance.now() < deadline) {
    try {
      const value = await within(condition(), deadline - performance.now());
      if (value) return value as Exclude<T, false | null | undefined>; // truthy, so none of those three
    } catch (error) {
      cause = error;
    }
    const tenthMs = (performance.now() - begunAt) / 10;
    await sleep(Math.max(everyMs, Math.min(tenthMs, longestPauseMs)));
  }
  throw new Error(`Timed out after ${timeoutMs} ms waiting for ${what}.`, { cause });
}

/** The value of a promise, or a rejection once `timeoutMs` have passed. */
export async function within<T>(promise: T | Promise<T>, timeoutMs: number, what = 'an answer'): Promise<T> {
  let expiry: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_resolve, reject) => {
    const message = `Timed out after ${Math.round(timeoutMs)} ms waiting for ${what}.`;
    expiry = setTimeout(() => reject(new Error(message)), Math.max(timeoutMs, 1));
  });
  try {
    return await Promise.race([promise, expired]);
  } finally {
    clearTimeout(expiry);
  }
}
