import { setTimeout as sleep } from 'node:timers/promises';
import {
  currentOrigin,
  hasChanged,
  type AuditedScripts,
  type AuditQuery,
  type AuditReader,
  type Origin,
  type ScriptCall,
  type EntryResponse,
} from './audit.ts';
import type { Clock } from '../base/clock.ts';
import type { Keys } from '../store/keys.ts';
import type { Log } from '../base/log.ts';
import { loadScript, type Script } from '../store/script.ts';
import type { Store } from '../store/store.ts';
import { StoreUnavailable } from '../store/store-unavailable.ts';
import { audited } from './audited-script.ts';
import { linkOf, noHead, entryResponse, type Head } from './chain.ts';
import { passes, type Stored } from './entry-filter.ts';
import { auditedChange, type AuditedChange } from './audited-change.ts';

const auditHead = loadScript(new URL('./audit_head.lua', import.meta.url));

/** Other processes may append between reading the head and building on it; so often that is tried again. */
const maxAttempts = 100;
const maxPauseMs = 20;
/** Longer than this no change waits for those before it: a store that hangs must not make a queue of callers. */
const maxWaitMs = 5_000;
const entriesPerRead = 200;
/** How far one call looks for entries that pass the filters, before it hands back a cursor to go on from. */
const entriesPerCall = 10_000;

/** The audit trail in Redis: a stream beside the changes it tells of, in step with them. */
export class RedisAudit implements AuditedScripts, AuditReader {
  readonly #store: Store;
  readonly #key: string;
  readonly #log: Pick<Log, 'info'>;
  readonly #clock: Pick<Clock, 'monotonic'>;
  /** Changes of this process go one after the other: they would only get in each other's way. */
  #turn: Promise<unknown> = Promise.resolve();
  /** The head that this process has told the log. */
  #told = '';

  constructor(
    store: Store,
    { audit }: Keys,
    { log, clock }: { log: Pick<Log, 'info'>; clock: Pick<Clock, 'monotonic'> },
  ) {
    this.#store = store;
    this.#key = audit;
    this.#log = log;
    this.#clock = clock;
  }

  /** Says the head there is, unless this process has. Rejects with `StoreUnavailable`. */
  async tellHead(): Promise<void> {
    await this.#head();
  }

  run(script: Script, { keys, args, change }: ScriptCall): Promise<unknown> {
    if (change === null) return this.#store.run(script, keys, args);
    const entry = { shown: auditedChange(change), origin: currentOrigin() };
    const lateAtMs = this.#clock.monotonic() + maxWaitMs;
    const mine = this.#turn.then(() => {
      if (this.#clock.monotonic() >= lateAtMs) throw tooLate('The store is slow.');
      return this.#append(script, { keys, args }, entry);
    });
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  async entries(query: AuditQuery): Promise<{ data: EntryResponse[]; next_cursor: string | null }> {
    const data: EntryResponse[] = [];
    let { cursor } = query;
    for (let seen = 0; seen < entriesPerCall; seen += entriesPerRead) {
      const page = await this.#page(cursor);
      for (const stored of page) {
        cursor = stored.id;
        const entry = entryResponse(stored.text, stored.hash);
        if (!passes(entry, query)) continue;
        data.push(entry);
        if (data.length === query.limit) return { data, next_cursor: cursor };
      }
      if (page.length < entriesPerRead) return { data, next_cursor: null };
    }
    return { data, next_cursor: cursor };
  }

  async #append(
    script: Script,
    { keys, args }: Pick<ScriptCall, 'keys' | 'args'>,
    entry: { shown: AuditedChange; origin: Origin },
  ): Promise<unknown> {
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      const { head, nowMs } = await this.#head();
      const link = linkOf(head, { ...entry, nowMs });
      const reply = await this.#store.run(
        audited(script),
        [...keys, this.#key],
        [...args, head.hash, link.head.hash, link.text],
      );
      if (reply === 'moved') {
        await sleep(Math.random() * maxPauseMs);
        continue;
      }
      if (hasChanged(reply)) this.#tell(link.head);
      return reply;
    }
    throw tooLate('Others write the audit trail all the time.');
  }

  async #head(): Promise<{ head: Head; nowMs: number }> {
    const reply = await this.#store.run(auditHead, [this.#key], []);
    const [now = '', count = '', hash = '', text = ''] = Array.isArray(reply) ? reply.map(String) : [];
    if (hash === '') return { head: noHead, nowMs: Number(now) };
    const newest = entryResponse(text, hash);
    // One that was altered must not keep anybody from revoking: verifying finds it.
    const sequence = 'unreadable' in newest ? null : newest.sequence;
    const head = { sequence: Number.isSafeInteger(sequence) ? Number(sequence) : Number(count), hash };
    // Another process wrote it, and may have died before it said so.
    this.#tell(head);
    return { head, nowMs: Number(now) };
  }

  #tell({ sequence, hash }: Head): void {
    if (hash === this.#told) return;
    this.#told = hash;
    this.#log.info('audit head', { sequence, hash });
  }

  async #page(before: string | null): Promise<Stored[]> {
    const newest = before === null ? '+' : `(${before}`;
    const page = await this.#store.attempt((client) =>
      client.xrevrange(this.#key, newest, '-', 'COUNT', entriesPerRead),
    );
    return page.map(([id, [, hash = '', , text = '']]) => ({ id, hash, text }));
  }
}

function tooLate(why: string): StoreUnavailable {
  return new StoreUnavailable(`${why} Nothing was changed.`, { mayHaveRun: false });
}
