import type { Keys } from '../store/keys.ts';
import type { Store } from '../store/store.ts';
import { compareIds, idParts } from './checkpoint.ts';
import type { Queries } from './database.ts';
import type { Element } from './drained-store.ts';
import { fieldOf } from './drained-stream.ts';
import type { Seam } from './seam.ts';

/** The newest audit entry that was trimmed from the store. */
export interface TrailAnchor {
  sequence: number;
  hash: string;
}

/** An audit entry that both places should have, and what is wrong with it. */
export interface TrailDifference {
  /** Its element in the store's stream. */
  id: string;
  kind: 'altered' | 'missing_in_store' | 'missing_in_records' | 'anchor';
}

export interface CheckedTrail {
  /** How many entries both places have. */
  compared: number;
  differences: TrailDifference[];
}

interface Row {
  id: string;
  hash: string;
  text: string;
}

/** Null if nothing was trimmed. Rejects with `StoreUnavailable`. */
export async function anchorIn(store: Store, { records }: Keys): Promise<TrailAnchor | null> {
  const [sequence = null, hash = null] = await store.attempt((client) =>
    client.hmget(records, 'anchor_sequence', 'anchor_hash'),
  );
  return sequence === null || hash === null ? null : { sequence: Number(sequence), hash };
}

/**
 * Compares the audit entries that are in the store and in Postgres: a chain that is read from one of them says nothing of
 * the copies in the other.
 */
export class TrailCheck {
  readonly #store: Store;
  readonly #keys: Keys;
  readonly #seam: Seam;

  constructor(store: Store, keys: Keys, seam: Seam) {
    this.#store = store;
    this.#keys = keys;
    this.#seam = seam;
  }

  /** Rejects with `StoreUnavailable`. */
  async check(): Promise<CheckedTrail> {
    for (;;) {
      const anchor = await anchorIn(this.#store, this.#keys);
      const checked = await this.#seam.inTurn(() => this.#check(anchor));
      // If the trail was trimmed meanwhile, what stands at its beginning does not belong to that anchor.
      if ((await anchorIn(this.#store, this.#keys))?.hash === anchor?.hash) return checked;
    }
  }

  async #check(anchor: TrailAnchor | null): Promise<CheckedTrail> {
    const { position } = await this.#seam.snapshot(() => Promise.resolve());
    const { id: drained } = position.checkpoints.audit;
    const differences: TrailDifference[] = [];
    let compared = 0;
    let before: string | null = null;
    for await (const page of this.#seam.tail('audit').oldestFirst('0-0', drained)) {
      const [first, last] = [page[0]?.id ?? '', page.at(-1)?.id ?? ''];
      const from: string = before ?? first;
      const { recorded } = await this.#seam.snapshot((queries) => rowsBetween(queries, from, last));
      if (before === null) differences.push(...(await this.#atBeginning(first, anchor)));
      differences.push(...differencesOf(page, recorded, before));
      compared += page.length;
      before = last;
    }
    return { compared, differences };
  }

  async #atBeginning(first: string, anchor: TrailAnchor | null): Promise<TrailDifference[]> {
    const { recorded } = await this.#seam.snapshot((queries) => rowBefore(queries, first));
    const isSame =
      recorded?.hash === anchor?.hash && (recorded === null || recorded.sequence === anchor?.sequence);
    return isSame ? [] : [{ id: first, kind: 'anchor' }];
  }
}

/** `before`: the element that the page begins after, whose row is among the rows too. */
function differencesOf(
  page: readonly Element[],
  rows: readonly Row[],
  before: string | null,
): TrailDifference[] {
  const recorded = new Map(rows.map((row) => [row.id, row]));
  if (before !== null) recorded.delete(before);
  const differences: TrailDifference[] = [];
  for (const element of page) {
    const row = recorded.get(element.id);
    recorded.delete(element.id);
    if (row === undefined) differences.push({ id: element.id, kind: 'missing_in_records' });
    else if (row.hash !== fieldOf(element, 'h') || row.text !== fieldOf(element, 'e')) {
      differences.push({ id: element.id, kind: 'altered' });
    }
  }
  for (const id of recorded.keys()) differences.push({ id, kind: 'missing_in_store' });
  return differences.sort((a, b) => compareIds(a.id, b.id));
}

function rowsBetween(queries: Queries, from: string, to: string): Promise<Row[]> {
  const [first, last] = [idParts(from), idParts(to)];
  return queries.query<Row>(
    `SELECT stream_ms || '-' || stream_seq AS id, hash, text FROM audit_entries
     WHERE (stream_ms, stream_seq) BETWEEN ($1, $2) AND ($3, $4)`,
    [first.ms, first.seq, last.ms, last.seq],
  );
}

async function rowBefore(queries: Queries, id: string): Promise<{ sequence: number; hash: string } | null> {
  const { ms, seq } = idParts(id);
  const [row] = await queries.query<{ sequence: number; hash: string }>(
    `SELECT sequence, hash FROM audit_entries WHERE (stream_ms, stream_seq) < ($1, $2)
     ORDER BY stream_ms DESC, stream_seq DESC LIMIT 1`,
    [ms, seq],
  );
  return row ?? null;
}
