import { entryResponse } from '../audit/chain.ts';
import { idParts } from './checkpoint.ts';
import type { Element } from './drained-store.ts';
import { type DrainedStream, fieldOf, fitsKey, latestMs, storable } from './drained-stream.ts';

const columns = ['hash', 'sequence', 'stream_ms', 'stream_seq', 'at', 'actor', 'operation', 'team', 'text'];
const insertAudit = `INSERT INTO audit_entries (${columns.join(', ')})
  SELECT ${columns.join(', ')} FROM json_populate_recordset(NULL::audit_entries, $1)
  ON CONFLICT DO NOTHING`;

/** The audit trail. An entry that somebody altered is kept as it is: `audit verify` finds it. */
export const drainedAudit: DrainedStream = {
  name: 'audit',
  insert: async (queries, elements) => {
    const rows = elements.map(rowOf).filter((row) => row !== null);
    if (rows.length > 0) await queries.query(insertAudit, [JSON.stringify(rows)]);
    return elements.length - rows.length;
  },
};

function rowOf(element: Element) {
  const hash = fieldOf(element, 'h') ?? '';
  if (hash === '' || !fitsKey([hash])) return null;
  const text = fieldOf(element, 'e') ?? '';
  const { ms, seq } = idParts(element.id);
  const entry = entryResponse(text, hash);
  const place = { hash, text, stream_ms: ms, stream_seq: seq };
  if ('unreadable' in entry)
    return { ...place, sequence: null, at: null, actor: null, operation: null, team: null };
  const { sequence, actor, operation, team } = entry;
  const atMs = Date.parse(entry.time);
  return {
    ...place,
    sequence: Number.isSafeInteger(sequence) ? sequence : null,
    at: atMs >= 0 && atMs <= latestMs ? new Date(atMs).toISOString() : null,
    actor: textOf(actor),
    operation: textOf(operation),
    team: textOf(team),
  };
}

/** Whoever altered an entry may have put anything there. */
function textOf(value: unknown): string | null {
  return typeof value === 'string' ? storable(value) : null;
}
