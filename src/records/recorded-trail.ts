import { type AuditQuery, type EntryResponse, passes } from '../audit/audit.ts';
import type { AuditTrail } from '../audit/audit-trail.ts';
import { entryResponse } from '../audit/chain.ts';
import type { Page } from '../ledger/ledger.ts';
import { idParts } from './checkpoint.ts';
import { Conditions } from './conditions.ts';
import type { Queries } from './database.ts';
import type { Element } from './drained-store.ts';
import { fieldOf } from './drained-stream.ts';
import { joinedPage, type PlacedRow } from './joined-page.ts';
import { RecordsUnavailable } from './records-unavailable.ts';
import type { Seam } from './seam.ts';
import type { StoreAlone } from './store-alone.ts';

const elementsPerCall = 10_000;

/**
 * The audit trail in both places, as one. If Postgres cannot be read, the store answers for what it has by itself. Rejects
 * with `RecordsUnavailable` for what is in Postgres only, and with `StoreUnavailable`.
 */
export class RecordedTrail implements Pick<AuditTrail, 'entries'> {
  readonly #seam: Seam;
  readonly #trail: Pick<AuditTrail, 'entries'>;
  readonly #alone: StoreAlone;

  constructor({ seam, trail, alone }: { seam: Seam; trail: Pick<AuditTrail, 'entries'>; alone: StoreAlone }) {
    this.#seam = seam;
    this.#trail = trail;
    this.#alone = alone;
  }

  /** Newest first. */
  async entries(query: AuditQuery): Promise<Page<EntryResponse>> {
    try {
      return await this.#seam.read('audit', {
        recorded: (queries) => recordedChanges(queries, query),
        join: (recorded, tail) =>
          joinedPage(query, {
            recorded,
            ...tail,
            maxElements: elementsPerCall,
            rowOf: (element) => {
              const change = changeIn(element);
              return passes(change, query) ? change : null;
            },
          }),
      });
    } catch (error) {
      if (!(error instanceof RecordsUnavailable)) throw error;
      return this.#alone.changes(query, error, () => this.#trail.entries(query));
    }
  }
}

function changeIn(element: Element): EntryResponse {
  return entryResponse(fieldOf(element, 'e') ?? '', fieldOf(element, 'h') ?? '');
}

async function recordedChanges(queries: Queries, query: AuditQuery): Promise<PlacedRow<EntryResponse>[]> {
  const { team, actor, operation, fromMs, beforeMs, cursor, limit } = query;
  const conditions = new Conditions().equal(filterColumns, { team, actor, operation });
  if (fromMs !== undefined) conditions.add('at >= ?', new Date(fromMs));
  if (beforeMs !== undefined) conditions.add('at < ?', new Date(beforeMs));
  if (cursor !== null) {
    const { ms, seq } = idParts(cursor);
    conditions.add('(stream_ms, stream_seq) < (?, ?)', ms, seq);
  }
  const rows = await queries.query<{ cursor: string; hash: string; text: string }>(
    `SELECT stream_ms || '-' || stream_seq AS cursor, hash, text FROM audit_entries ${conditions.where}
     ORDER BY stream_ms DESC, stream_seq DESC LIMIT ${limit}`,
    conditions.values,
  );
  return rows.map((row) => ({ cursor: row.cursor, row: entryResponse(row.text, row.hash) }));
}

const filterColumns = { team: 'team', actor: 'actor', operation: 'operation' };
