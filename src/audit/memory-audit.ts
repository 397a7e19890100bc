import {
  hasChanged,
  type AuditedWork,
  type AuditQuery,
  type AuditReader,
  type Change,
  passes,
  type EntryResponse,
} from './audit.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { linkOf, noHead, entryResponse, type Link } from './chain.ts';
import { currentContext } from './context.ts';
import { auditedChange } from './audited-change.ts';

/** The audit trail of the embedded store: as long as the process lives. Behaves as the one in Redis does. */
export class MemoryAudit implements AuditedWork, AuditReader {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #log: Pick<Log, 'info'>;
  readonly #links: Link[] = [];

  constructor(clock: Pick<Clock, 'now'>, log: Pick<Log, 'info'>) {
    this.#clock = clock;
    this.#log = log;
  }

  make<T>(change: Change | null, work: () => T): T {
    const result = work();
    if (change !== null && hasChanged(result)) this.#append(change);
    return result;
  }

  entries(query: AuditQuery): Promise<{ data: EntryResponse[]; next_cursor: string | null }> {
    const data: EntryResponse[] = [];
    const newest = query.cursor === null ? this.#links.length : Number.parseInt(query.cursor, 10) - 1;
    for (let at = Math.min(newest, this.#links.length); at > 0; at -= 1) {
      const { text, head } = this.#links[at - 1] ?? { text: '', head: noHead };
      const entry = entryResponse(text, head.hash);
      if (passes(entry, query)) data.push(entry);
      if (data.length === query.limit) return Promise.resolve({ data, next_cursor: `${at}-0` });
    }
    return Promise.resolve({ data, next_cursor: null });
  }

  #append(change: Change): void {
    const head = this.#links.at(-1)?.head ?? noHead;
    const parts = { change: auditedChange(change), context: currentContext(), nowMs: this.#clock.now() };
    const link = linkOf(head, parts);
    this.#links.push(link);
    this.#log.info('audit head', { ...link.head });
  }
}
