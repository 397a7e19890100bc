import { daysBetween } from '../base/days.ts';
import {
  encodeRefusalRow,
  maxRefusalRows,
  refusalSums,
  withoutRoom,
  type RefusalBatch,
  type RefusalCount,
  type RefusalQuery,
  type RefusalRow,
  type RefusalStore,
} from './refusal-count.ts';

/** Refused requests of the embedded store: bounded like the real one, gone with the process. */
export class MemoryRefusalStore implements RefusalStore {
  readonly #retentionDays: number;
  readonly #days = new Map<string, Map<string, number>>();
  readonly #taken = new Map<string, number>();

  constructor({ retentionDays }: { retentionDays: number }) {
    this.#retentionDays = retentionDays;
  }

  add({ process, sequence, counts }: RefusalBatch): Promise<void> {
    if ((this.#taken.get(process) ?? 0) >= sequence) return Promise.resolve();
    this.#taken.set(process, sequence);
    for (const count of counts) this.#count(count);
    return Promise.resolve();
  }

  refusals(query: RefusalQuery): Promise<RefusalRow[]> {
    const sums = refusalSums(query);
    for (const day of daysBetween(query.from, query.to)) {
      const rows = [...(this.#days.get(day) ?? [])];
      sums.add(
        day,
        rows.map(([row, count]) => [row, [count]] as const),
      );
    }
    return Promise.resolve(sums.rows());
  }

  #count({ day, as, refused }: RefusalCount): void {
    const rows = this.#rowsOf(day);
    const own = encodeRefusalRow(as);
    const row = rows.has(own) || rows.size < maxRefusalRows ? own : encodeRefusalRow(withoutRoom(as));
    rows.set(row, (rows.get(row) ?? 0) + refused);
  }

  #rowsOf(day: string): Map<string, number> {
    const known = this.#days.get(day);
    if (known) return known;
    const made = new Map<string, number>();
    this.#days.set(day, made);
    for (const old of [...this.#days.keys()].sort().slice(0, -this.#retentionDays)) this.#days.delete(old);
    return made;
  }
}
