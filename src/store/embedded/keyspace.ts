/** The value of a key, by its kind. */
export type Value =
  | { kind: 'string'; text: string }
  | { kind: 'hash'; fields: Map<string, string> }
  | { kind: 'sorted'; scores: Map<string, number> }
  | Stream;

export type StreamId = readonly [ms: number, sequence: number];

export interface Stream {
  kind: 'stream';
  entries: StreamEntry[];
  /** The newest id that it ever gave. */
  last: StreamId;
  /** How many entries it was ever given. */
  added: number;
}

export interface StreamEntry {
  id: StreamId;
  fields: readonly string[];
}

type Kind = Value['kind'];
type ValueOf<K extends Kind> = Extract<Value, { kind: K }>;

interface Kept {
  value: Value;
  /** Infinity: it never expires. */
  expiresAtMs: number;
}

const sweptEveryMs = 60_000;

/** Keys with their values and expiries. Time stands still within a script, as in Redis. */
export class Keyspace {
  readonly #kept = new Map<string, Kept>();
  #nowMs = 0;
  #sweptAtMs = 0;

  /** Ms since the epoch, with fractions. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Sets the time. Once a minute it removes expired keys; otherwise they are removed only when they are read. */
  turnTo(nowMs: number): void {
    this.#nowMs = nowMs;
    if (Math.abs(nowMs - this.#sweptAtMs) < sweptEveryMs) return;
    this.#sweptAtMs = nowMs;
    for (const key of this.#kept.keys()) this.#find(key);
  }

  has(key: string): boolean {
    return this.#find(key) !== undefined;
  }

  /** The key's value, if there is one. Throws if it is of another kind. */
  read<K extends Kind>(key: string, kind: K): ValueOf<K> | undefined {
    const value = this.#find(key)?.value;
    if (value !== undefined && !isOf(value, kind)) {
      throw new Error('WRONGTYPE Operation against a key holding the wrong kind of value');
    }
    return value;
  }

  /** Replaces the key's value. The new one does not expire. */
  write(key: string, value: Value): void {
    this.#kept.set(key, { value, expiresAtMs: Infinity });
  }

  delete(key: string): boolean {
    return this.#find(key) !== undefined && this.#kept.delete(key);
  }

  /** Infinity if it never expires; null if there is no such key. */
  expiryMs(key: string): number | null {
    return this.#find(key)?.expiresAtMs ?? null;
  }

  /** Whether the key exists. */
  expire(key: string, atMs: number): boolean {
    const kept = this.#find(key);
    if (kept) kept.expiresAtMs = atMs;
    return kept !== undefined;
  }

  #find(key: string): Kept | undefined {
    const kept = this.#kept.get(key);
    if (kept === undefined || this.#nowMs <= kept.expiresAtMs) return kept;
    this.#kept.delete(key);
    return undefined;
  }
}

function isOf<K extends Kind>(value: Value, kind: K): value is ValueOf<K> {
  return value.kind === kind;
}
