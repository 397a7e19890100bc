import type { Clock } from '../base/clock.ts';
import { gatewayPlace } from '../identity/records/gateway-settings.ts';
import { placeOfLimit } from '../identity/records/session.ts';
import type {
  AdmissionStore,
  AdmitReply,
  AdmitRequest,
  Beat,
  Decision,
  OpenRecord,
  Settlement,
  TotalsDelta,
} from './store.ts';
import { adjusted, type Counter, emptyCounter, rolled, used, windowIndex } from './window.ts';

/** Where closed requests go: the memory ledger. */
export interface EntrySink {
  append(entry: string, totals: TotalsDelta): void;
}

export interface MemoryAdmissionOptions {
  clock: Clock;
  leaseMs: number;
  /** The team's epoch, from the memory identity store; null when there is no such team. */
  epochOf: (team: string) => string | null;
  /** The counters of a session's own limits; null when it is gone, and they with it. */
  countersOfSession: (session: string) => Map<string, Counter> | null;
  ledger: EntrySink;
}

const incarnation = 'memory';

/** Admission inside one process, deciding exactly as the Redis scripts do; the contract suite runs on both. */
export class MemoryAdmissionStore implements AdmissionStore {
  readonly #options: MemoryAdmissionOptions;
  readonly #beats = new Map<string, number>();
  readonly #open = new Map<string, Map<string, OpenRecord>>();
  readonly #counters = new Map<string, Counter>();
  readonly #said = new Map<string, number>();

  constructor(options: MemoryAdmissionOptions) {
    this.#options = options;
  }

  beat(process: string): Promise<Beat> {
    const nowMs = this.#nowMs();
    this.#beats.set(process, nowMs);
    const silent = [...this.#beats.keys()].filter((other) => !this.#alive(other));
    return Promise.resolve({ nowMs, incarnation, silent });
  }

  admit(process: string, batch: readonly AdmitRequest[]): Promise<AdmitReply> {
    if (!this.#alive(process)) return Promise.resolve({ kind: 'unknown_process' });
    const nowMs = this.#nowMs();
    const decisions = batch.map((request) => this.#decide(process, request, nowMs));
    return Promise.resolve({ kind: 'decided', nowMs, incarnation, decisions });
  }

  #decide(process: string, request: AdmitRequest, nowMs: number): Decision {
    const { session } = request;
    if (this.#options.epochOf(request.team) !== request.epoch) return { kind: 'stale' };
    if (session !== null && this.#options.countersOfSession(session) === null) return { kind: 'stale' };
    if (nowMs > request.notAfterMs) return { kind: 'late' };
    if (nowMs >= request.expiresAtMs) return { kind: 'expired' };
    const { limits, grant, record } = request;
    const counters = limits.map(({ id, span }) =>
      rolled(this.#countersOf(id)?.get(id) ?? emptyCounter, windowIndex(span, nowMs)),
    );
    const fits = limits.every(({ span, amount, max }, n) => {
      const counter = counters[n] ?? emptyCounter;
      return used(span, counter, nowMs) + amount <= max;
    });
    const open = this.#openOf(process);
    if (open.has(grant)) return { kind: 'admitted', counters };
    if (!fits) return { kind: 'denied', counters };
    open.set(grant, { grant, admittedAtMs: nowMs, record });
    const counted = limits.map(({ id, amount }, n) => {
      const counter = counters[n] ?? emptyCounter;
      const next = { ...counter, current: counter.current + amount };
      this.#countersOf(id)?.set(id, next);
      return next;
    });
    return { kind: 'admitted', counters: counted };
  }

  settle(process: string, batch: readonly Settlement[]): Promise<readonly boolean[]> {
    return Promise.resolve(batch.map((settlement) => this.#close(process, settlement)));
  }

  settleSilent(process: string, batch: readonly Settlement[]): Promise<readonly boolean[] | null> {
    return this.#alive(process) ? Promise.resolve(null) : this.settle(process, batch);
  }

  #close(process: string, { grant, adjustments, closing }: Settlement): boolean {
    if (!this.#openOf(process).delete(grant)) return false;
    for (const { id, index, delta } of adjustments) {
      const counters = this.#countersOf(id);
      const counter = counters?.get(id);
      if (counter) counters?.set(id, adjusted(counter, index, delta));
    }
    if (closing) this.#options.ledger.append(closing.entry, closing.totals);
    return true;
  }

  openOfSilent(process: string): Promise<readonly OpenRecord[]> {
    if (this.#alive(process)) return Promise.resolve([]);
    const records = [...this.#openOf(process).values()];
    if (records.length === 0) this.#forget(process);
    return Promise.resolve(records);
  }

  openOf(process: string, grants: readonly string[]): Promise<readonly OpenRecord[]> {
    const open = this.#openOf(process);
    return Promise.resolve(grants.map((grant) => open.get(grant)).filter((record) => record !== undefined));
  }

  counters(_team: string, ids: readonly string[]): Promise<{ nowMs: number; counters: readonly Counter[] }> {
    const counters = ids.map((id) => this.#countersOf(id)?.get(id) ?? emptyCounter);
    return Promise.resolve({ nowMs: this.#nowMs(), counters });
  }

  sayOnce(what: string, untilMs: number): Promise<boolean> {
    for (const [other, endMs] of this.#said) if (this.#nowMs() >= endMs) this.#said.delete(other);
    const first = !this.#said.has(what);
    this.#said.set(what, untilMs);
    return Promise.resolve(first);
  }

  leave(process: string): Promise<void> {
    if (this.#openOf(process).size === 0) this.#forget(process);
    return Promise.resolve();
  }

  #countersOf(limit: string): Map<string, Counter> | null {
    const place = placeOfLimit(limit);
    return place === null || place === gatewayPlace ? this.#counters : this.#options.countersOfSession(place);
  }

  #openOf(process: string): Map<string, OpenRecord> {
    let open = this.#open.get(process);
    if (!open) {
      open = new Map();
      this.#open.set(process, open);
    }
    return open;
  }

  #alive(process: string): boolean {
    const beat = this.#beats.get(process);
    return beat !== undefined && this.#nowMs() - beat <= this.#options.leaseMs;
  }

  #forget(process: string): void {
    this.#beats.delete(process);
    this.#open.delete(process);
  }

  #nowMs(): number {
    return Math.floor(this.#options.clock.now());
  }
}
