import { randomBytes } from 'node:crypto';
import { ownerName } from '../identity/records/archive.ts';
import { pricesEpoch } from '../identity/records/model-price.ts';
import { dayMs } from '../base/days.ts';
import type { Keys } from '../store/keys.ts';
import { loadScript, type Script } from '../store/script.ts';
import { nowMsOf, type Store } from '../store/store.ts';
import { type Checkpoints, streamNames } from './checkpoint.ts';
import { LeaseLost } from './lease.ts';
import type { RecordedIdentity } from './recorded-identities.ts';
import { sumsFromField } from './store-alone.ts';
import type { DayRow, RecordedAudit, RecordedState } from './recorded-state.ts';

const scripts = {
  begin: loadScript(new URL('./begin_restoring.lua', import.meta.url)),
  gateway: loadScript(new URL('./restore_gateway.lua', import.meta.url)),
  fields: loadScript(new URL('./restore_fields.lua', import.meta.url)),
  strings: loadScript(new URL('./restore_strings.lua', import.meta.url)),
  counters: loadScript(new URL('./restore_counters.lua', import.meta.url)),
  open: loadScript(new URL('./read_open.lua', import.meta.url)),
  close: loadScript(new URL('./close_recorded.lua', import.meta.url)),
  audit: loadScript(new URL('./restore_audit.lua', import.meta.url)),
  finish: loadScript(new URL('./finish_restoring.lua', import.meta.url)),
};

/** What one script writes: it must not hold up the store for long. */
const charactersACall = 100_000;
const rowsACall = 1_000;
/** A stream that nothing is added to goes after so long. */
const streamTtlS = 400 * 86_400;

/** An open request of some process, as the store has it. */
export interface OpenHeld {
  readonly process: string;
  readonly grant: string;
  /** When it was admitted, a tab, and its open record. */
  readonly text: string;
}

/**
 * A store while it is restored. Methods reject with `StoreUnavailable`, and with `LeaseLost` if another process has begun
 * to restore it.
 */
export class RestoredStore {
  readonly #store: Store;
  readonly #keys: Keys;
  readonly #retentionDays: number;
  readonly #nonce = nonce();

  constructor(store: Store, keys: Keys, { retentionDays }: { retentionDays: number }) {
    this.#store = store;
    this.#keys = keys;
    this.#retentionDays = retentionDays;
  }

  /** The store's clock, ms. */
  async nowMs(): Promise<number> {
    return nowMsOf(await this.#store.attempt((client) => client.time()));
  }

  /** Who restores the store, or did not end it; '' if nobody. */
  async restoredBy(): Promise<string> {
    return (await this.#store.attempt((client) => client.get(this.#keys.restoring))) ?? '';
  }

  /** Begins, if the store still has the mark and the nonce that it was found with. */
  async begin(found: { mark: number | null; restoredBy: string }): Promise<void> {
    const { records, restoring, incarnation } = this.#keys;
    const args = [this.#nonce, found.mark ?? '', found.restoredBy, nonce()];
    if ((await this.#store.run(scripts.begin, [records, restoring, incarnation], args)) !== 1) throw lost();
  }

  /** Replaces all identities, and ends all sessions. */
  async putIdentities({ records, provenance }: Pick<RecordedState, 'records' | 'provenance'>): Promise<void> {
    const { teams, epochs, secrets, admins, adminSecrets, settings, prices, provenance: origin } = this.#keys;
    const { webhooks, users, tokens, session, sessionsOf, minting } = this.#keys;
    const own = records.find(({ kind }) => kind === 'settings');
    await this.#run(
      scripts.gateway,
      [teams, epochs, secrets, admins, adminSecrets, settings, origin, prices, webhooks],
      [
        own?.text ?? '',
        provenance.store ?? '',
        provenance.seen,
        ...[users, tokens, session, sessionsOf, minting].map((keyOf) => keyOf('')),
      ],
    );
    const of = (kind: RecordedIdentity['kind']): RecordedIdentity[] =>
      records.filter((record) => record.kind === kind);
    const texts = (some: readonly RecordedIdentity[]): DayRow[] => some.map(({ id, text }) => [id, text]);
    await this.#putFields(users, groupedByTeam(of('user')), texts);
    await this.#putFields(tokens, groupedByTeam(of('token')), texts);
    await this.#put(
      secrets,
      of('token').flatMap((token) => bound(token, ownerName(token))),
    );
    await this.#put(admins, texts(of('administrator')));
    await this.#put(
      adminSecrets,
      of('administrator').flatMap((admin) => bound(admin, admin.id)),
    );
    await this.#put(prices, texts(of('price')));
    await this.#put(webhooks, texts(of('webhook')));
    // A team is known by its record and its epoch: they come last.
    await this.#put(teams, texts(of('team')));
    // New ones, also those of the settings and of the prices: nothing that a process has cached holds.
    await this.#put(epochs, [
      ['@', nonce()],
      [pricesEpoch, nonce()],
      ...of('team').map(({ id }): DayRow => [id, nonce()]),
    ]);
  }

  async putDays({ totals, refusals }: Pick<RecordedState, 'totals' | 'refusals'>): Promise<void> {
    for (const [day, rows] of totals) await this.#put(this.#keys.totals(day), rows, this.#dayEnds(day));
    for (const [day, rows] of refusals) await this.#put(this.#keys.refusals(day), rows, this.#dayEnds(day));
  }

  /** Makes the counters of a team, or of the gateway, those given: `[field, text]`. */
  async putCounters(team: string, counters: readonly DayRow[]): Promise<void> {
    await this.#run(scripts.counters, [this.#keys.counters(team)], counters.flat());
  }

  /** What was closed, and counted, before the store lost its data, so that it is not closed or counted again. */
  async putMarks({ closed, batches }: Pick<RecordedState, 'closed' | 'batches'>): Promise<void> {
    const { settled, refusalsTaken } = this.#keys;
    const marks: DayRow[] = [
      ...closed.map((grant): DayRow => [settled(grant), '1']),
      ...batches.map(({ process, sequence }): DayRow => [refusalsTaken(process), String(sequence)]),
    ];
    for (const some of inCalls(marks)) await this.#run(scripts.strings, [], some.flat());
  }

  /** The open requests of all processes. */
  async open(): Promise<OpenHeld[]> {
    const { processes, open } = this.#keys;
    const reply = await this.#store.run(scripts.open, [processes], [open('')]);
    const texts = Array.isArray(reply) ? reply.map(String) : [];
    return inThrees(texts).map(([process, grant, text]) => ({ process, grant, text }));
  }

  /** Closes open requests that were closed before. */
  async close(closed: readonly OpenHeld[]): Promise<void> {
    for (const [process, some] of Map.groupBy(closed, (each) => each.process)) {
      const grants = some.map(({ grant }) => grant);
      await this.#run(scripts.close, [this.#keys.open(process)], grants);
    }
  }

  /** Replaces the audit trail. */
  async putAudit(entries: readonly RecordedAudit[]): Promise<void> {
    const rows = entries.map(({ id, hash, text }) => [id, hash, text] as const);
    const calls = inCalls(rows);
    for (const some of calls.length === 0 ? [[]] : calls) {
      await this.#run(scripts.audit, [this.#keys.audit], [some === calls[0] ? 1 : 0, ...some.flat()]);
    }
  }

  /** Ends it. False if the store was given something meanwhile that is not recorded. */
  async finish(
    { store, mark, checkpoints }: { store: string | null; mark: number; checkpoints: Checkpoints },
    { anchor, sumsFrom }: Pick<RecordedState, 'anchor' | 'sumsFrom'>,
  ): Promise<boolean> {
    const { records, entries, refusalLog, audit } = this.#keys;
    const fields: DayRow[] = [
      ...(store === null ? [] : [['store', store] as const]),
      ['mark', String(mark)],
      [sumsFromField, sumsFrom],
      ...streamNames.flatMap((name): DayRow[] => [
        [name, checkpoints[name].id],
        [`${name}_added`, String(checkpoints[name].added)],
      ]),
      ...(anchor === null
        ? []
        : ([
            ['anchor_sequence', String(anchor.sequence)],
            ['anchor_hash', anchor.hash],
          ] as const)),
    ];
    const reply = await this.#run(
      scripts.finish,
      [records, entries, refusalLog, audit],
      [
        streamTtlS,
        ...streamNames.map((name) => checkpoints[name].id),
        ...streamNames.map((name) => checkpoints[name].added),
        ...fields.flat(),
      ],
    );
    return reply === 1;
  }

  async #putFields(
    keyOf: (team: string) => string,
    teams: ReadonlyMap<string, RecordedIdentity[]>,
    textsOf: (records: readonly RecordedIdentity[]) => DayRow[],
  ): Promise<void> {
    for (const [team, records] of teams) await this.#put(keyOf(team), textsOf(records));
  }

  /** Writes a hash anew; nothing if there are no fields. */
  async #put(key: string, fields: readonly DayRow[], expiresAtS: number | '' = ''): Promise<void> {
    const calls = inCalls(fields);
    for (const some of calls) {
      await this.#run(scripts.fields, [key], [some === calls[0] ? 1 : 0, expiresAtS, ...some.flat()]);
    }
  }

  #dayEnds(day: string): number {
    return (Date.parse(day) + (1 + this.#retentionDays) * dayMs) / 1_000;
  }

  /** One step, if it is still this process that restores the store. */
  async #run(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    const reply = await this.#store.run(script, [this.#keys.restoring, ...keys], [this.#nonce, ...args]);
    if (reply === 0) throw lost();
    return reply;
  }
}

function nonce(): string {
  return randomBytes(12).toString('base64url');
}

function lost(): LeaseLost {
  return new LeaseLost('Another process restores the store.');
}

function bound({ secrets }: RecordedIdentity, owner: string): DayRow[] {
  if (secrets.length === 0) return [];
  return [[owner, secrets.join(' ')], ...secrets.map((secret): DayRow => [secret, owner])];
}

function groupedByTeam(records: readonly RecordedIdentity[]): Map<string, RecordedIdentity[]> {
  return Map.groupBy(records, ({ team }) => team);
}

/** Rows in calls of a size that the store handles within some milliseconds. */
function inCalls<Row extends readonly string[]>(rows: readonly Row[]): Row[][] {
  const calls: Row[][] = [];
  let characters = Infinity;
  for (const row of rows) {
    const last = calls.at(-1);
    if (last === undefined || characters > charactersACall || last.length >= rowsACall) {
      calls.push([row]);
      characters = 0;
    } else {
      last.push(row);
    }
    for (const text of row) characters += text.length;
  }
  return calls;
}

function inThrees(texts: readonly string[]): [string, string, string][] {
  const threes: [string, string, string][] = [];
  for (let at = 0; at + 2 < texts.length; at += 3) {
    threes.push([texts[at] ?? '', texts[at + 1] ?? '', texts[at + 2] ?? '']);
  }
  return threes;
}
