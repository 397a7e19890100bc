import { setImmediate as immediate } from 'node:timers/promises';
import type { Clock } from '../base/clock.ts';
import type { EntryRecord } from '../ledger/entry.ts';
import type { Principal, ScopedLimit } from '../identity/records/identity.ts';
import type { Log } from '../base/log.ts';
import { type Charge, type ForwardOutcome } from '../base/outcome.ts';
import { costNanoUsd, dearest, type Price } from '../base/price.ts';
import { Refusal, restarting } from '../base/refusal.ts';
import { StoreUnavailable } from '../store/store-unavailable.ts';
import { Canceller } from './canceller.ts';
import type { IdempotencyKey } from './idempotency-key.ts';
import { KeptAnswer } from './kept-answer.ts';
import type { KeptItems } from './kept-items.ts';
import { limitStates, type LimitsOf } from './counters.ts';
import { answered, storeUnavailable } from './decision.ts';
import { applied, type Grant, limitsOn, limitsTagged, type LimitState } from './grant.ts';
import { Heartbeat } from './heartbeat.ts';
import { remaining } from './limit-status.ts';
import { type LimitNotice, LimitWatches } from './limit-watches.ts';
import { LimitsInUse, type LimitUse } from './limit-use.ts';
import { encodeOpen, type OpenRequest } from './open-record.ts';
import { heldText } from './recorded-charges.ts';
import { settlementOf } from './settlement.ts';
import { supplementId, supplementSettlement } from './supplement.ts';
import { SettlementQueue } from './settlement-queue.ts';
import type { AdmitRequest, Beat, Decision, Settled } from './store.ts';
import type { AdmissionStore } from './admission-store.ts';
import { emptyCounter } from './window.ts';

const admissionsPerCall = 200;
/** How long the end of an answer may wait for its settlement (invariant 6). */
const settleWaitMs = 50;
/** The same of an answer whose items are kept: if the next request came before them, it would be refused for good. */
const itemsWaitMs = 2_000;

/** The request to admit. The principal is passed separately. */
export interface Ask extends Pick<
  OpenRequest,
  'requestId' | 'endpoint' | 'model' | 'modelKnown' | 'stream' | 'tags'
> {
  reserved: Charge;
  /** The model's price; null if it has none. */
  price: Price | null;
  /** The call's Idempotency-Key; null if it has none. */
  key: IdempotencyKey | null;
}

export interface AdmissionOptions {
  store: Pick<AdmissionStore, keyof AdmissionStore>;
  /** This process's id, unique among all processes that ever ran on the store. */
  process: string;
  leaseMs: number;
  /** How long a caller waits for the store before it is refused with `store_unavailable`. */
  timeoutMs: number;
  clock: Clock;
  log: Log;
  /** Whether records are kept of what limits are charged. Absent: not. */
  keepsRecords?: () => boolean;
  /** Called with what each heartbeat tells. Absent: not. */
  onBeat?: (beat: Beat) => Promise<void>;
  /** At what percentages of a limit per day or month an event is told. Absent: at none. */
  limitLevels?: readonly number[];
  /** Called if this process has told such an event. */
  onNotice?: (notice: LimitNotice) => void;
  /** Called when counters of end users were dropped to make room, although they still counted. */
  onEvicted?: (counters: number) => void;
}

interface Asking {
  request: AdmitRequest;
  grant: Grant;
  answer: (result: Admitting | Promise<Admitting>) => void;
}

/**
 * What comes of asking: a grant, the refusal, the answer that was kept for the call's Idempotency-Key, or `stale` if the
 * principal must be read again.
 */
export type Admitting = Grant | Refusal | KeptAnswer | 'stale';

/**
 * Limits: reserve first, correct later. All admissions of one tick go to the store in one call, after the settlements
 * of that tick, because those may make room for them (design 2.3).
 */
export class Admission {
  readonly heartbeat: Heartbeat;
  readonly #options: AdmissionOptions;
  readonly #settlements: SettlementQueue;
  readonly #canceller: Canceller;
  readonly #watches: LimitWatches;
  readonly #inUse = new LimitsInUse();
  #asking: Asking[] = [];
  /** Store calls that admit requests and have not been answered yet. */
  readonly #underWay = new Set<Promise<void>>();
  #stopping = false;
  #granted = 0;
  /** Grants that are not settled. */
  #open = 0;

  constructor(options: AdmissionOptions) {
    const { store, process, log } = options;
    this.#options = options;
    this.heartbeat = new Heartbeat(options);
    this.#watches = new LimitWatches(options.limitLevels ?? [], options.onNotice ?? ignore);
    this.#settlements = new SettlementQueue(store, process, log);
    this.#canceller = new Canceller({
      store,
      process,
      storeNowMs: () => this.heartbeat.storeNowMs(),
      incarnation: async () => (await this.heartbeat.beat()).incarnation,
      log,
    });
  }

  /** Reserves for a request. */
  admit(principal: Principal, ask: Ask): Promise<Admitting> {
    if (this.#stopping) return Promise.resolve(restarting());
    this.#inUse.note(principal, this.#options.clock.monotonic());
    return this.#ask(this.#prepare(principal, ask));
  }

  /**
   * Reserves what another model needs besides a grant. Null if a limit has no room for that, the caller has changed, or
   * the store does not answer.
   */
  async admitBesides(
    principal: Principal,
    grant: Grant,
    limits: readonly LimitState[],
  ): Promise<Grant | null> {
    if (this.#stopping) return null;
    const open = { ...grant.request, slots: slotsOf(limits), held: this.#heldOf(limits), keyed: '' };
    const supplement = { ...grant, id: supplementId(grant.id), limits, request: open, attempts: [] };
    const answer = await this.#ask(this.#asked(principal, supplement));
    return answer instanceof Refusal || answer instanceof KeptAnswer || answer === 'stale' ? null : answer;
  }

  /** Charges a supplement of a grant, and gives back the rest of it. */
  settleBesides(supplement: Grant, grant: Grant, charged: Charge, price: Price | null): void {
    this.#noteSettled();
    this.#watches.put(supplement);
    const settlement = supplementSettlement(supplement, grant, charged, price);
    this.#settlements.add(settlement, (told) => this.#watches.look(supplement, told), 'gathered');
  }

  /**
   * Closes a grant: charges it and writes its entry. If there is a promise, await it before the caller's answer ends:
   * otherwise this request could still block the caller's next one, or that one could refer to items that are not kept yet.
   * It takes at most 50 ms, or two seconds with items. `kept`: see `settlementOf`.
   */
  settle(
    grant: Grant,
    outcome: ForwardOutcome,
    kept: KeptAnswer | KeptItems | null = null,
  ): { entry: EntryRecord; settled: Promise<void> | null } {
    this.#watches.put(grant);
    const { settlement, entry } = settlementOf(grant, outcome, kept);
    const isAlone = this.#noteSettled();
    const note = (told: Settled): void => this.#watches.look(grant, told);
    const hasItems = settlement.keyed?.as === 'items';
    if (!hasItems && !blocksNext(grant)) {
      this.#settlements.add(settlement, note, isAlone ? 'soon' : 'gathered');
      return { entry, settled: null };
    }
    const settled = new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, hasItems ? itemsWaitMs : settleWaitMs);
      const done = (told: Settled): void => {
        clearTimeout(timer);
        resolve();
        note(told);
      };
      this.#settlements.add(settlement, done, 'now');
    });
    return { entry, settled };
  }

  /** A grant is settled. Returns whether no other request is under way. */
  #noteSettled(): boolean {
    this.#open = Math.max(0, this.#open - 1);
    return this.#open === 0 && this.#asking.length === 0 && this.#underWay.size === 0;
  }

  /** How much of these limits of a team and its members is used now, for `/v1/me`. Rejects with `StoreUnavailable`. */
  async limits(team: string, limits: readonly ScopedLimit[]): Promise<LimitState[]> {
    const [states = []] = await this.#limits([{ team, limits }]);
    return states;
  }

  /** How much of the limits of teams that ask here is used now, for metrics. Rejects with `StoreUnavailable`. */
  limitsInUse(): Promise<LimitUse[]> {
    return this.#inUse.read((asked) => this.#limits(asked), this.#options.clock.monotonic());
  }

  #limits(asked: readonly LimitsOf<ScopedLimit>[]): Promise<LimitState[][]> {
    return limitStates((of) => this.#options.store.counters(of), asked);
  }

  /** Settlements and cancellations that the store has not yet taken. */
  get pending(): number {
    return this.#settlements.pending + this.#canceller.pending;
  }

  /** Admits nothing more. Waits until the store has every settlement, then gives up the process's lease. */
  async stop(): Promise<void> {
    this.#stopping = true;
    // Requests that are being admitted have lost their callers. They settle in the turn after they are granted.
    this.#gather();
    await Promise.all(this.#underWay);
    await immediate();
    await this.#settlements.drained();
    await this.#canceller.stop();
    await this.heartbeat.stop();
  }

  #ask(asked: Omit<Asking, 'answer'>): Promise<Admitting> {
    return new Promise((answer) => {
      if (this.#asking.length === 0) setImmediate(() => this.#gather());
      this.#asking.push({ ...asked, answer });
    });
  }

  #prepare(principal: Principal, ask: Ask): Omit<Asking, 'answer'> {
    const { price, reserved, key } = ask;
    const { team, user, token, session } = principal.identity;
    const reservedAt = price && dearest(price);
    const limits = limitsOn(limitsTagged(principal, ask.tags), ask).map((scoped): LimitState => ({
      scoped,
      applied: applied(scoped, reserved, reservedAt),
      counter: emptyCounter,
    }));
    const open: OpenRequest = {
      // First and alone, because V8 copies anything else property by property.
      ...reserved,
      requestId: ask.requestId,
      endpoint: ask.endpoint,
      model: ask.model,
      modelKnown: ask.modelKnown,
      stream: ask.stream,
      tags: ask.tags,
      team: team.id,
      user: user.id,
      tokenId: token.id,
      sessionId: session?.id ?? null,
      nanoUsd: reservedAt && costNanoUsd(reservedAt, reserved),
      endUser: principal.endUser,
      slots: slotsOf(limits),
      held: this.#heldOf(limits),
      keyed: key === null ? '' : `${key.id} ${key.fingerprint}`,
    };
    const id = `${this.#options.process}-${(this.#granted++).toString(36)}`;
    const { attempts } = principal;
    return this.#asked(principal, {
      id,
      incarnation: '',
      admittedAtMs: 0,
      limits,
      request: open,
      attempts,
      price,
      key,
    });
  }

  #heldOf(limits: readonly LimitState[]): string {
    return this.#options.keepsRecords?.() ? heldText(limits) : '';
  }

  #asked({ identity: { epoch }, expiresAtMs }: Principal, grant: Grant): Omit<Asking, 'answer'> {
    const { id, limits, request: open, attempts } = grant;
    return {
      grant,
      request: {
        grant: id,
        team: open.team,
        epoch,
        notAfterMs: this.#notAfterMs(),
        session: open.sessionId,
        expiresAtMs,
        record: encodeOpen(open),
        limits: limits.map((limit) => limit.applied),
        attempts,
        keyed: open.keyed,
      },
    };
  }

  #notAfterMs(): number {
    return this.heartbeat.storeNowMs() + this.#options.timeoutMs;
  }

  #gather(): void {
    this.#settlements.flush();
    const asking = this.#asking;
    this.#asking = [];
    for (let at = 0; at < asking.length; at += admissionsPerCall) {
      const sent = this.#send(asking.slice(at, at + admissionsPerCall));
      this.#underWay.add(sent);
      void sent.finally(() => this.#underWay.delete(sent));
    }
  }

  async #send(batch: readonly Asking[]): Promise<void> {
    try {
      await this.#decide(batch);
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) this.#options.log.error('admission failed', { error });
      const refusal = storeUnavailable(error instanceof StoreUnavailable ? error : undefined);
      for (const { answer } of batch) answer(refusal);
      if (error instanceof StoreUnavailable && !error.mayHaveRun) return;
      // A heartbeat may have moved our clock estimate: never use an earlier not-after time than the one that was sent.
      const latestMs = this.#notAfterMs();
      this.#canceller.add(
        batch.map(({ grant, request }) => ({ grant, notAfterMs: Math.max(latestMs, request.notAfterMs) })),
      );
    }
  }

  async #decide(batch: readonly Asking[]): Promise<void> {
    const { store, process } = this.#options;
    const requests = batch.map(({ request }) => request);
    let reply = await store.admit(process, requests);
    if (reply.kind === 'unknown_process') {
      // Nothing is admitted before this process's heartbeat is in the store (invariant 2).
      await this.heartbeat.beat();
      // The store's clock is only known now, so compute the not-after time again.
      const notAfterMs = this.#notAfterMs();
      reply = await store.admit(
        process,
        requests.map((request) => ({ ...request, notAfterMs })),
      );
    }
    if (reply.kind === 'unknown_process')
      throw new StoreUnavailable('The store does not keep the heartbeat.');
    const { decisions, incarnation, nowMs, evicted } = reply;
    if (evicted !== undefined) this.#options.onEvicted?.(evicted);
    batch.forEach(({ grant, answer }, n) => {
      grant.incarnation = incarnation;
      grant.admittedAtMs = nowMs;
      const result = answered(grant, decisions[n] ?? late);
      if (result === grant) this.#open += 1;
      answer(result);
    });
  }
}

/** Ids of the limits that count what is open. */
function slotsOf(limits: readonly LimitState[]): string[] {
  return limits.filter(({ applied: { span } }) => span === 'open').map(({ applied: { id } }) => id);
}

/** Whether the caller's next request could be refused because of what this one still holds. */
function blocksNext(grant: Grant): boolean {
  return grant.limits.some(
    (limit) =>
      limit.applied.observes === undefined &&
      (limit.applied.span === 'open' || remaining(limit) < limit.applied.amount),
  );
}

const late: Decision = { kind: 'late' };

function ignore(): void {
  // Nobody waits for this.
}
