import { tagText } from '../../src/base/tags.ts';
import { AdmissionStore } from '../../src/limits/admission-store.ts';
import { LedgerReader } from '../../src/ledger/ledger-reader.ts';
import { keysUnder } from '../../src/store/keys.ts';
import { scriptOf } from '../../src/store/script.ts';
import type { Store } from '../../src/store/store.ts';
import { decodeEntry, encodeEntry } from '../../src/ledger/entry-text.ts';
import { settledRowOf } from '../../src/ledger/breakdown.ts';
import { totalsFigures } from '../../src/ledger/totals.ts';
import { eachField, noNamedFigures } from '../../src/base/figures.ts';
import { type EntryRecord, ledgerEntryOf, type LedgerEntry } from '../../src/ledger/entry.ts';

import type {
  AdmitReply,
  AdmitRequest,
  AppliedLimit,
  Decision,
  Settled,
  Settlement,
} from '../../src/limits/store.ts';
import type { RunningEngine } from './engines.ts';

const setEpoch = scriptOf('set_epoch', "return redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])");

const setCounterText = scriptOf('set_counter', "return redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])");

const keys = keysUnder('t:');

/** An empty store on this engine, its clock at `lastSecondMs` or running. */
export async function emptyAdmission(
  engine: Pick<RunningEngine, 'empty' | 'turnTo'>,
  { running = false, endUserBytes }: { running?: boolean; endUserBytes?: number } = {},
): Promise<StoreUnderTest> {
  const store = await (running ? engine.empty() : engine.empty(lastSecondMs));
  return {
    kept: store,
    store: new AdmissionStore(store, keys, {
      leaseMs,
      maxEntries: 5_000,
      retentionDays: 400,
      ...(endUserBytes === undefined ? {} : { endUserBytes }),
    }),
    ledger: new LedgerReader(store, keys),
    turnTo: (nowMs) => engine.turnTo(nowMs),
    setEpoch: async (team, epoch) => {
      await store.run(setEpoch, [keys.epochs], [team, epoch]);
    },
    setCounter: async (team, field, text) => {
      await store.run(setCounterText, [keys.counters(team)], [field, text]);
    },
    counterTexts: (team) => store.attempt((client) => client.hgetall(keys.counters(team))),
  };
}

/** An empty store, and what the suite has to turn and see beside it. */
export interface StoreUnderTest {
  /** What it is all kept in. */
  kept: Store;
  store: AdmissionStore;
  ledger: LedgerReader;
  /** Sets the store's clock, which stands still meanwhile. */
  turnTo(nowMs: number): Promise<void>;
  setEpoch(team: string, epoch: string): Promise<void>;
  /** Writes a counter as another version of the gateway might have. */
  setCounter(team: string, field: string, text: string): Promise<void>;
  /** The counters of a team as they are stored. */
  counterTexts(team: string): Promise<Readonly<Record<string, string>>>;
}

export const leaseMs = 20_000;
/** A second before the end of a minute, an hour, a day, a month and a year; years ahead, since totals expire. */
export const lastSecondMs = Date.UTC(2095, 11, 31, 23, 59, 59);
export const process = 'p1';

let grants = 0;

export function newGrant(): string {
  grants += 1;
  return `${process}-${grants.toString(36)}`;
}

/** A request of team acme at its epoch `e1` that never expires. */
export function asks(limits: readonly AppliedLimit[], more: Partial<AdmitRequest> = {}): AdmitRequest {
  const grant = newGrant();
  const record = `record of ${grant}`;
  return {
    grant,
    team: 'acme',
    epoch: 'e1',
    notAfterMs: Number.MAX_SAFE_INTEGER,
    expiresAtMs: Infinity,
    session: null,
    record,
    limits,
    ...more,
  };
}

export function entryOf(id: string, more: Partial<LedgerEntry> = {}): LedgerEntry {
  return {
    id,
    request_id: 'a-request-id-of-the-caller',
    time: new Date(lastSecondMs).toISOString(),
    team: 'acme',
    user: 'ana',
    token_id: 'tok_1',
    session_id: null,
    end_user: null,
    tags: null,
    endpoint: '/v1/chat/completions',
    model: 'claude-4-sonnet',
    model_requested: null,
    model_accepted: true,
    status: 200,
    outcome: 'ok',
    error_code: null,
    ...noNamedFigures,
    input_tokens: 12,
    output_tokens: 34,
    cost_usd: null,
    usage: 'reported',
    stream: false,
    duration_ms: 120,
    ttfb_ms: 80,
    ...more,
  };
}

/** A settlement with an entry and its totals. */
export function settles(grant: string, more: Partial<Settlement> = {}): Settlement {
  const entry = entryOf(grant);
  return { grant, incarnation: '', team: 'acme', adjustments: [], closing: closingOf(entry), ...more };
}

export function closingOf(entry: LedgerEntry): NonNullable<Settlement['closing']> {
  const record: EntryRecord = {
    ...entry,
    ...eachField(({ name }) => entry[name]),
    tags: tagText(entry.tags),
    admittedAtMs: Date.parse(entry.time),
    costNanoUsd: entry.cost_usd === null ? null : Math.round(entry.cost_usd * 1e9),
  };
  const day = entry.time.slice(0, 10);
  return {
    entry: encodeEntry(record),
    totals: {
      day,
      dayEndsAtS: Date.parse(day) / 1000 + 86_400,
      row: settledRowOf(record),
      figures: totalsFigures(record),
    },
  };
}

/** The decisions of a reply; fails where the process is unknown. */
export function decided(reply: AdmitReply): readonly Decision[] {
  if (reply.kind !== 'decided') throw new Error('The store does not know the process.');
  return reply.decisions;
}

/** Which grants were closed by this call. */
export function closed(told: readonly Settled[] | null): boolean[] | null {
  return told && told.map((each) => each !== null);
}

export async function entriesOf(ledger: LedgerReader): Promise<LedgerEntry[]> {
  const { data } = await ledger.entries({ filters: {}, limit: 1_000, cursor: null });
  return data;
}

/** Decodes what a settlement would write, for comparison. */
export function entryIn({ closing }: Settlement): LedgerEntry | null {
  return closing ? ledgerEntryOf(decodeEntry(closing.entry)) : null;
}
