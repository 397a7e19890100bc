import { setImmediate as turn } from 'node:timers/promises';
import type { AuditQuery, AuditReader, EntryResponse } from '../audit/audit.ts';
import type { OperationDocs } from '../base/operation-docs.ts';
import { Refusal } from '../base/refusal.ts';
import { auditEntryResponse } from '../audit/audit.ts';
import { defaultLimit, notAcceptable, pageOf, pagesOfList, reported } from './list-docs.ts';
import { auditParameters, parseAuditQuery } from '../reports/audit-query.ts';
import type { AdminDeps } from './deps.ts';
import { replyWithReport } from './report.ts';
import type { Report, Row } from '../reports/report.ts';
import { askedIn, connectionOf } from './report-routes.ts';
import { needing, type AdminContext, type Reply, type Route } from './respond.ts';

const entriesPerPage = 1_000;

const columns = [
  'sequence',
  'time',
  'actor',
  'address',
  'request_id',
  'operation',
  'kind',
  'team',
  'id',
  'before',
  'after',
  'hash',
] as const;

const auditDocs: OperationDocs = {
  summary: 'List who changed what, the newest first',
  details: pagesOfList,
  query: auditParameters,
  answer: reported(pageOf(auditEntryResponse)),
  others: notAcceptable,
};

/** Who changed what, the newest first; as JSON, CSV or NDJSON. */
export function auditRoutes({ audit, onError }: AdminDeps): Route[] {
  async function trail(c: AdminContext): Promise<Reply> {
    const asked = askedIn(c, parseAuditQuery);
    if (asked instanceof Refusal) return asked;
    const { format, query } = asked;
    const { limit, ...wanted } = query;
    const left = new AbortController();
    const ends = { left, failed: (e: unknown) => onError(e, c.get('requestId')), cut: connectionOf(c) };
    if (limit === null && format !== 'json') {
      return replyWithReport(reportOf(allPages(audit, wanted, left.signal)), format, ends);
    }
    const page = await audit.entries({ ...wanted, limit: limit ?? defaultLimit });
    if (format === 'json') return { status: 200, body: page };
    const headers = page.next_cursor === null ? {} : { 'x-next-cursor': page.next_cursor };
    return replyWithReport({ ...reportOf([page.data]), headers }, format, ends);
  }

  return [{ path: '/admin/audit', methods: { GET: needing('read-gateway', auditDocs, trail) } }];
}

/** Every entry that passes, until whoever reads them has left. */
async function* allPages(
  audit: AuditReader,
  query: Omit<AuditQuery, 'limit'>,
  left: AbortSignal,
): AsyncGenerator<EntryResponse[]> {
  let { cursor } = query;
  do {
    const page = await audit.entries({ ...query, limit: entriesPerPage, cursor });
    yield page.data;
    cursor = page.next_cursor;
    // The embedded store answers at once: others must have their turn.
    await turn();
  } while (cursor !== null && !left.aborted);
}

function reportOf(pages: AsyncIterable<EntryResponse[]> | Iterable<EntryResponse[]>): Report {
  return { name: 'tollgate-audit', columns, pages: rowsOf(pages) };
}

async function* rowsOf(
  pages: AsyncIterable<EntryResponse[]> | Iterable<EntryResponse[]>,
): AsyncGenerator<Row[]> {
  for await (const page of pages) yield page.map((entry) => ({ ...entry }));
}
