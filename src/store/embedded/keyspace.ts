/** What a key holds, by kind. */
export type Value =
  | { kind: 'string'; text: string }
  | { kind: 'hash'; fields: Map<string, string> }
  | { kind: 'sorted'; scores: Map<string, number> }
  | { kind: 'stream'; entries: StreamEntry[]; last: StreamId };

export type StreamId = readonly [ms: number, sequence: number];

export interface StreamEntry {
  id: StreamId;
  fields: readonly string[];
}

type Kind = Value['kind'];
type ValueOf<K extends Kind> = Extract<Value, { kind: K }>;

interface Kept {
  value: Value;
  /** Infinity: it stays. */
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

  /** Sets the time; once a minute removes what has expired, which otherwise goes only when it is looked at. */
  turnTo(nowMs: number): void {
    this.#nowMs = nowMs;
    if (Math.abs(nowMs - this.#sweptAtMs) < sweptEveryMs) return;
    this.#sweptAtMs = nowMs;
    for (const key of this.#kept.keys()) this.#find(key);
  }

  has(key: string): boolean {
    return this.#find(key) !== undefined;
  }

  /** The value of this kind, if the key has one. Throws if it has one of another kind. */
  read<K extends Kind>(key: string, kind: K): ValueOf<K> | undefined {
    const value = this.#find(key)?.value;
    if (value !== undefined && !isOf(value, kind)) {
      throw new Error('WRONGTYPE Operation against a key holding the wrong kind of value');
    }
    return value;
  }

  /** Puts a value in place of whatever there is. It does not expire. */
  write(key: string, value: Value): void {
    this.#kept.set(key, { value, expiresAtMs: Infinity });
  }

  delete(key: string): boolean {
    return this.#find(key) !== undefined && this.#kept.delete(key);
  }

  /** Infinity if it stays; null if there is no such key. */
  expiryMs(key: string): number | null {
    return this.#find(key)?.expiresAtMs ?? null;
  }

  /** Whether there is such a key. */
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
