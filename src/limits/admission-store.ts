import { randomBytes } from 'node:crypto';
import { defaultEndUserBytes } from '../base/limit.ts';
import type { Keys } from '../store/keys.ts';
import { loadScript } from '../store/script.ts';
import type { Store } from '../store/store.ts';
import { StoreUnavailable } from '../store/store-unavailable.ts';
import { pricesEpoch } from '../identity/records/model-price.ts';
import { counterField, toldCounter } from './counter-text.ts';
import { endUserBuckets } from '../identity/records/end-user.ts';
import { countersIn, type ReadCounters } from './counters.ts';
import type {
  Adjustment,
  AdmitReply,
  AdmitRequest,
  AppliedLimit,
  Beat,
  Decision,
  KeyedEnd,
  OpenRecord,
  Settled,
  Settlement,
} from './store.ts';
import type { Counter, Span } from './window.ts';

const scripts = {
  admit: loadScript(new URL('./admit.lua', import.meta.url)),
  settle: loadScript(new URL('./settle.lua', import.meta.url)),
  beat: loadScript(new URL('./beat.lua', import.meta.url)),
  openOfSilent: loadScript(new URL('./open_of_silent.lua', import.meta.url)),
  leave: loadScript(new URL('./leave.lua', import.meta.url)),
};

const spanLetters: Readonly<Record<Span, string>> = {
  minute: 'm',
  hour: 'h',
  day: 'd',
  month: 'M',
  open: 'o',
};
/** `KEPT_ANSWER_BYTES`, if it is not said. */
export const defaultKeyedBytes = 2 * 1_048_576;
/** Not every Lua reads `Infinity` as a number. */
const never = Number.MAX_SAFE_INTEGER;

export interface AdmissionStoreOptions {
  leaseMs: number;
  maxEntries: number;
  retentionDays: number;
  /** How many bytes of text the counters of a team's end users may have; absent: 8 MiB. */
  endUserBytes?: number;
  /** How many bytes entries may take until they are drained into records; 0 or absent: there are no records. */
  backlogBytes?: () => number;
  /** How many bytes calls with an Idempotency-Key may take, with the answers that are kept for them. */
  keyedBytes?: number;
  /** How many rows with names a team's breakdown of a day may have, without records; absent: 400. */
  breakdownRows?: number;
}

/**
 * The state that all processes share. The scripts do the work; this class converts their arguments and replies. Every
 * method is one atomic step for its whole batch. Methods reject with `StoreUnavailable`; the step may have been taken
 * even so.
 */
export class AdmissionStore {
  readonly #store: Store;
  readonly #keys: Keys;
  readonly #options: AdmissionStoreOptions;
  /** By the last answer to an admission. Then nothing is kept for a second call but that there was a first. */
  #isFull = false;
  /** Reads counters of teams' limits. */
  readonly counters: ReadCounters;

  constructor(store: Store, keys: Keys, options: AdmissionStoreOptions) {
    this.#store = store;
    this.#keys = keys;
    this.#options = options;
    this.counters = countersIn(store, keys);
  }

  /** Records that a process is alive. */
  async beat(process: string): Promise<Beat> {
    const { processes, incarnation, open, epochs, guard } = this.#keys;
    const nonce = randomBytes(9).toString('base64url');
    const reply = await this.#store.run(
      scripts.beat,
      [processes, incarnation, open(process), epochs, ...guard],
      [process, this.#options.leaseMs, nonce, pricesEpoch],
    );
    const [nowMs, current = '', prices = '', ...silent] = texts(reply);
    return { nowMs: Number(nowMs), incarnation: current, prices, silent };
  }

  /** Checks and reserves, all limits or none, for up to 200 requests. */
  async admit(process: string, batch: readonly AdmitRequest[]): Promise<AdmitReply> {
    const { processes, open, epochs, incarnation, counters, session, keyed } = this.#keys;
    const args = [
      process,
      this.#options.leaseMs,
      counters(''),
      session(''),
      `${this.#options.endUserBytes ?? defaultEndUserBytes} ${endUserBuckets}`,
      keyed(''),
      joined(batch, requestText),
    ];
    let reply;
    try {
      reply = await this.#store.run(scripts.admit, [processes, open(process), epochs, incarnation], args);
      this.#isFull = false;
    } catch (error) {
      this.#isFull = error instanceof StoreUnavailable && error.isFull;
      throw error;
    }
    if (reply === null) return { kind: 'unknown_process' };
    const [first = '', current = '', ...decisions] = linesOf(reply);
    const [now, evicted] = first.split(' ');
    const nowMs = Number(now);
    return {
      kind: 'decided',
      nowMs,
      incarnation: current,
      decisions: decisions.map((text, n) => parseDecision(text, batch[n]?.limits ?? [], nowMs)),
      ...(evicted === undefined ? {} : { evicted: Number(evicted) }),
    };
  }

  /**
   * Closes grants, each at most once: corrects counters, writes entries, adds totals. Works in a full store.
   */
  async settle(process: string, batch: readonly Settlement[]): Promise<readonly Settled[]> {
    return (await this.#settle(process, 0, batch)) ?? [];
  }

  /** The same for another process's grants. Does nothing and returns null if that process is alive after all. */
  settleSilent(process: string, batch: readonly Settlement[]): Promise<readonly Settled[] | null> {
    return this.#settle(process, this.#options.leaseMs, batch);
  }

  async #settle(
    process: string,
    leaseMs: number,
    batch: readonly Settlement[],
  ): Promise<readonly Settled[] | null> {
    const { processes, open, incarnation, entries, counters, totals, settled, session, keyed, breakdown } =
      this.#keys;
    const { maxEntries, retentionDays, keyedBytes = defaultKeyedBytes, breakdownRows = 400 } = this.#options;
    const backlogBytes = this.#options.backlogBytes?.() ?? 0;
    const args = [
      process,
      leaseMs,
      counters(''),
      totals(''),
      settled(''),
      maxEntries,
      retentionDays,
      session(''),
      backlogBytes,
      keyed(''),
      keyedBytes,
      breakdown(''),
      // Records have every entry, with its tags and its end user.
      backlogBytes > 0 ? 0 : breakdownRows,
      joined(batch, this.#isFull ? textWithoutAnswer : settlementText),
    ];
    const reply = await this.#store.run(
      scripts.settle,
      [processes, open(process), incarnation, entries],
      args,
    );
    if (reply === null) return null;
    const told = linesOf(reply);
    return batch.map(({ adjustments }, n) => settledIn(told[n], adjustments));
  }

  /** Some open requests of a silent process. Forgets the process if there are none left. */
  async openOfSilent(process: string): Promise<readonly OpenRecord[]> {
    const { processes, open } = this.#keys;
    const reply = texts(
      await this.#store.run(
        scripts.openOfSilent,
        [processes, open(process)],
        [process, this.#options.leaseMs],
      ),
    );
    const records: OpenRecord[] = [];
    for (let at = 0; at + 1 < reply.length; at += 2) {
      records.push(parseOpen(reply[at] ?? '', reply[at + 1] ?? ''));
    }
    return records;
  }

  /** The open requests of a process among `grants`. */
  async openOf(process: string, grants: readonly string[]): Promise<readonly OpenRecord[]> {
    const key = this.#keys.open(process);
    const found = await this.#store.attempt((client) => client.hmget(key, ...grants));
    return grants.flatMap((grant, n) => {
      const text = found[n];
      return text ? [parseOpen(grant, text)] : [];
    });
  }

  /** Whether this process is the first to give this notice. The store remembers it until `untilMs`. */
  async claimNotice(notice: string, untilMs: number): Promise<boolean> {
    const key = this.#keys.said(notice);
    return (await this.#store.attempt((client) => client.set(key, '1', 'PXAT', untilMs, 'NX'))) === 'OK';
  }

  /** Forgets a process that stops, unless it has open requests. */
  async leave(process: string): Promise<void> {
    const { processes, open } = this.#keys;
    await this.#store.run(scripts.leave, [processes, open(process)], [process]);
  }
}

/*
 * A batch is one argument, and its reply is one text: each argument and each part of a reply is handled separately on the
 * way. Every request or settlement has one field per line. No field can contain a control character.
 */

const separator = '\u001e'; // "record separator" of ASCII

function joined<Item>(batch: readonly Item[], textOf: (item: Item) => string): string {
  let text = '';
  for (const item of batch) text += text === '' ? textOf(item) : separator + textOf(item);
  return text;
}

function linesOf(reply: unknown): string[] {
  return String(reply).split('\n');
}

const none: readonly never[] = [];

function requestText(request: AdmitRequest): string {
  const { grant, team, epoch, notAfterMs, expiresAtMs, record, session, limits, attempts = none } = request;
  const { keyed = '' } = request;
  const notAfter = Math.floor(Math.min(notAfterMs, never));
  const expires = Math.min(expiresAtMs, never);
  let text = `${grant}\n${team}\n${epoch}\n${notAfter}\n${expires}\n${record}\n${session ?? ''}\n`;
  for (const { field, max, withLimit } of attempts) {
    text += `${field} ${max} ${withLimit === null ? '' : counterField(withLimit, 'minute')};`;
  }
  text += `\n${keyed}\n`;
  for (const limit of limits) {
    const { id, span, amount } = limit;
    text += `${counterField(id, span)}\n${spanLetters[span]}\n${amount}\n${maxText(limit)}\n`;
  }
  return text;
}

function maxText({ max, raises, observes }: AppliedLimit): string | number {
  if (raises === undefined && observes === undefined) return max;
  const added = (raises ?? none).map(({ by, untilMs }) => `+${by}<${untilMs}`);
  return `${max}${added.join('')}${observes ? '?' : ''}`;
}

function settlementText(settlement: Settlement): string {
  const {
    grant,
    incarnation,
    team,
    adjustments,
    refundedTo = none,
    charges = '',
    keyed,
    closing,
  } = settlement;
  let text = `${grant}\n${incarnation}\n${team}\n`;
  for (const { field } of refundedTo) text += `${field};`;
  text += `\n${charges}\n${keyed === undefined ? '' : keyedText(keyed)}\n${adjustments.length}\n`;
  for (const { id, span, at, delta, charged } of adjustments) {
    text += `${counterField(id, span)}\n${at}\n${delta}\n${charged ?? 0}\n`;
  }
  if (!closing) return text;
  const { entry, totals } = closing;
  return `${text}${entry}\n${totals.day}\n${totals.dayEndsAtS}\n${totals.row}\n${totals.figures.join('\n')}\n`;
}

const keyedLetters = { free: 'f', broken: 'b', answered: 'k' } as const;

function keyedText({ key, as, attempt, answer }: KeyedEnd): string {
  return `${key} ${keyedLetters[as]} ${attempt} ${answer}`;
}

function textWithoutAnswer(settlement: Settlement): string {
  const { keyed } = settlement;
  return settlementText(keyed ? { ...settlement, keyed: { ...keyed, answer: '' } } : settlement);
}

function settledIn(told: string | undefined, adjustments: readonly Adjustment[]): Settled {
  if (told === undefined || told === '!') return null;
  const used = told.split(' ');
  return adjustments.flatMap(({ id, span }, n) => {
    const isTold = (span === 'day' || span === 'month') && used[n] !== '-' && told !== '';
    return isTold ? [{ id, used: Number(used[n]) }] : [];
  });
}

function parseDecision(text: string, limits: readonly AppliedLimit[], nowMs: number): Decision {
  switch (text[0]) {
    case 'A':
      return parseAdmitted(text, limits, nowMs);
    case 'D':
      return { kind: 'denied', counters: parseCounters(text, limits, nowMs) };
    case 'S':
      return { kind: 'stale' };
    case 'X':
      return { kind: 'expired' };
    case 'R': {
      const [bound = 0, fitsMs = 0] = text.slice(1).split(' ').map(Number);
      return { kind: 'attempts', bound, fitsMs };
    }
    case 'P':
      return { kind: 'in_progress' };
    case 'O':
      return { kind: 'key_reused' };
    case 'K':
    case 'U': {
      const [, attempts = '', answer = null] = text.split(' ');
      return { kind: 'answered', attempts, answer };
    }
    default:
      return { kind: 'late' };
  }
}

function parseAdmitted(text: string, limits: readonly AppliedLimit[], nowMs: number): Decision {
  const tab = text.indexOf('\t');
  if (tab < 0) return { kind: 'admitted', counters: parseCounters(text, limits, nowMs) };
  const counters = parseCounters(text.slice(0, tab), limits, nowMs);
  return { kind: 'admitted', counters, after: text.slice(tab + 1) };
}

function parseCounters(text: string, limits: readonly AppliedLimit[], nowMs: number): Counter[] {
  const counters = text.split(';');
  return limits.map(({ span }, n) => toldCounter(counters[n + 1] ?? '', span, nowMs));
}

function parseOpen(grant: string, text: string): OpenRecord {
  const tab = text.indexOf('\t');
  return { grant, admittedAtMs: Number(text.slice(0, tab)), record: text.slice(tab + 1) };
}

function texts(reply: unknown): string[] {
  return Array.isArray(reply) ? reply.map(String) : [];
}
