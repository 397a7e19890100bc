import { setTimeout as sleep } from 'node:timers/promises';
import {
  hasChanged,
  passes,
  type AuditedScripts,
  type AuditQuery,
  type Change,
  type ScriptCall,
  type EntryResponse,
} from './audit.ts';
import type { Clock } from '../base/clock.ts';
import type { GatewayEvent } from '../base/event.ts';
import type { Keys } from '../store/keys.ts';
import type { Log } from '../base/log.ts';
import { loadScript, scriptOf, type Script } from '../store/script.ts';
import type { Store } from '../store/store.ts';
import { StoreUnavailable } from '../store/store-unavailable.ts';
import { linkOf, noHead, entryResponse, type Head } from './chain.ts';
import { currentContext, type AuditContext } from './context.ts';
import { auditedChange, type AuditedChange } from './audited-change.ts';
import { toldChange } from './told-change.ts';

const auditHead = loadScript(new URL('./audit_head.lua', import.meta.url));
const noteOnly = loadScript(new URL('./note.lua', import.meta.url));

/** Another process may append after this one has read the head; then this one tries again, at most this often. */
const maxAttempts = 100;
const maxPauseMs = 20;
/** A change waits at most this long for those before it: a hanging store must not build up a queue of callers. */
const maxWaitMs = 5_000;
const entriesPerRead = 200;
/** One call reads at most this many entries in search of matches; then it returns a cursor. */
const entriesPerCall = 10_000;

/** An entry as it is stored. */
interface Stored {
  /** Its id in the stream, which is a cursor. */
  id: string;
  hash: string;
  text: string;
}

/** The audit trail: a stream, written in one step with the changes it records, and with the events that some are told by. */
export class AuditTrail implements AuditedScripts {
  readonly #store: Store;
  readonly #key: string;
  readonly #outbox: string;
  readonly #guard: readonly string[];
  readonly #log: Pick<Log, 'info'>;
  readonly #clock: Pick<Clock, 'monotonic'>;
  /** Changes of this process run one after the other, so that they do not race for the head. */
  #turn: Promise<unknown> = Promise.resolve();
  /** The head that this process logged last. */
  #told = '';

  constructor(
    store: Store,
    { audit, events, guard }: Keys,
    { log, clock }: { log: Pick<Log, 'info'>; clock: Pick<Clock, 'monotonic'> },
  ) {
    this.#store = store;
    this.#key = audit;
    this.#outbox = events;
    this.#guard = guard;
    this.#log = log;
    this.#clock = clock;
  }

  /** The newest entry; logs it, unless this process has logged it. Rejects with `StoreUnavailable`. */
  async head(): Promise<Head> {
    return (await this.#head()).head;
  }

  run(script: Script, { keys, args, change }: ScriptCall): Promise<unknown> {
    if (change === null) return this.#store.run(script, keys, args);
    const context = currentContext();
    const entry = { change: auditedChange(change), context };
    const told = eventText(toldChange(change, entry.change.operation, context));
    const lateAtMs = this.#clock.monotonic() + maxWaitMs;
    const mine = this.#turn.then(() => {
      if (this.#clock.monotonic() >= lateAtMs) throw tooLate('The store is slow.');
      return this.#append(script, { keys, args }, { ...entry, told });
    });
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  /** Records what was done outside of the store's scripts. Rejects with `StoreUnavailable`. */
  async note(change: Change): Promise<void> {
    await this.run(noteOnly, { keys: [], args: [], change });
  }

  /** Reads the trail, newest first. Rejects with `StoreUnavailable`. */
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
    { told, ...entry }: { change: AuditedChange; context: AuditContext; told: string },
  ): Promise<unknown> {
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      const { head, nowMs } = await this.#head();
      const link = linkOf(head, { ...entry, nowMs });
      const reply = await this.#store.run(
        audited(script),
        [...keys, this.#key, this.#outbox],
        [...args, head.hash, link.head.hash, link.text, told],
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
    const reply = await this.#store.run(auditHead, [this.#key, ...this.#guard], []);
    const [now = '', count = '', hash = '', text = ''] = Array.isArray(reply) ? reply.map(String) : [];
    if (hash === '') return { head: noHead, nowMs: Number(now) };
    const newest = entryResponse(text, hash);
    // An altered entry must not block a revocation. `audit verify` finds it.
    const sequence = 'unreadable' in newest ? null : newest.sequence;
    const head = { sequence: Number.isSafeInteger(sequence) ? Number(sequence) : Number(count), hash };
    // Another process may have written it and died before logging it.
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

/** An event as audited.lua takes it; '' if there is none. */
function eventText(event: GatewayEvent | null): string {
  return event === null ? '' : `${event.type}\n${event.team ?? ''}\n${JSON.stringify(event.data)}`;
}

function tooLate(why: string): StoreUnavailable {
  return new StoreUnavailable(`${why} Nothing was changed.`, { mayHaveRun: false });
}

const { source: around } = loadScript(new URL('./audited.lua', import.meta.url));
const auditedScripts = new Map<string, Script>();

/** A script with audited.lua around it. Its first line has its flags, so it stays the first line. */
function audited({ name, sha, source }: Script): Script {
  const known = auditedScripts.get(sha);
  if (known) return known;
  const end = source.indexOf('\n');
  const [flags, body] = [source.slice(0, end), source.slice(end + 1)];
  const script = scriptOf(name, `${flags}\nlocal function change()\n${body}\nend\n${around}`);
  auditedScripts.set(sha, script);
  return script;
}
