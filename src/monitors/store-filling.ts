import { dayMs } from '../base/days.ts';
import type { Outbox } from '../events/outbox.ts';
import type { Store } from '../store/store.ts';
import type { Monitor, Notice } from './notice.ts';

const mark = 'store.filling';
const everyMs = 60_000;
/** In percent; the fullest first. */
const levels = [95, 80] as const;

interface StoreMemory {
  usedBytes: number;
  /** 0: no bound, or the server does not say. */
  maxBytes: number;
}

/**
 * Tells a level once a day, and at once if it is a higher one than was told: a store that hovers about a level is told
 * once. `said` is what the mark says. Pure.
 */
export function fillingNotice(
  { usedBytes, maxBytes }: StoreMemory,
  said: string,
  nowMs: number,
): Notice | null {
  const level = levels.find((percent) => maxBytes > 0 && usedBytes * 100 >= percent * maxBytes);
  if (level === undefined) return null;
  const [toldLevel = 0, toldMs = -Infinity] = said === '' ? [] : said.split(' ').map(Number);
  if (level <= toldLevel && nowMs < toldMs + dayMs) return null;
  const data = { level, used_bytes: usedBytes, max_bytes: maxBytes };
  return {
    event: { type: 'store.filling', team: null, data },
    mark,
    untilMs: nowMs + dayMs,
    says: { from: said, to: `${level} ${nowMs}` },
  };
}

interface FillingParts {
  store: Pick<Store, 'memory'>;
  outbox: Pick<Outbox, 'markOf'>;
}

/** How full the store is. */
export function fillingMonitor({ store, outbox }: FillingParts): Monitor {
  return {
    name: 'store.filling',
    everyMs,
    async *notices(nowMs) {
      const [memory, said] = await Promise.all([store.memory(), outbox.markOf(mark)]);
      const notice = fillingNotice(memory, said, nowMs);
      if (notice) yield notice;
    },
  };
}
