import type { HttpBindings } from '@hono/node-server';
import { auditFields } from '../audit/audit.ts';
import { visibleTeams } from '../base/actor.ts';
import { Refusal } from '../base/refusal.ts';
import { entryFields } from '../ledger/ledger-response.ts';
import type { SumQuery } from '../ledger/day-sums.ts';
import { refusalFigures } from '../ledger/refusal-count.ts';
import { usageFigures } from '../ledger/totals.ts';
import { holdingOf } from '../memory/holding.ts';
import { type CheckedForm, formFor } from '../reports/formats.ts';
import { dearestFirst } from '../reports/overview.ts';
import { begun, pagesFrom, rowsPerPage, sumsInPages, visibleLedger } from '../reports/pages.ts';
import {
  type Asked,
  type AskedPage,
  parseAuditQuery,
  parseEntryQuery,
  parseRefusalQuery,
  parseUsageQuery,
} from '../reports/queries.ts';
import { type Report, type Row, streamedReport } from '../reports/report.ts';
import { unknownWho, type Who } from '../reports/who.ts';
import type { AdminDeps } from './deps.ts';
import { auditDocs, defaultLimit, refusalsDocs, requestsDocs, usageDocs } from './report-docs.ts';
import { needing, type AdminContext, type Reply, type Route } from './respond.ts';

/** What a report has in memory at a time: a page of rows, as values and as text. */
const pageBytes = 1_048_576;

interface PagedQuery {
  limit: number;
  cursor: string | null;
}

/** Sums of days, and the report that their rows make. */
interface Sums<Query> {
  name: string;
  figures: readonly string[];
  parse: (url: string) => Asked<Query> | Refusal;
  read: (query: Query) => Promise<Row[]>;
}

/** A list that is read in pages, and the report that its rows make. */
interface PagedList<Query extends PagedQuery> {
  name: string;
  columns: readonly string[];
  parse: (url: string) => Asked<AskedPage<Query>> | Refusal;
  read: (
    query: AskedPage<Query> & { limit: number },
  ) => Promise<{ data: object[]; next_cursor: string | null }>;
  who: (query: AskedPage<Query>) => Who;
}

/** What was used, requested, refused and changed; as JSON, CSV or NDJSON. */
export function reportRoutes({ ledger, audit, identities, clock, onError }: AdminDeps): Route[] {
  function usage(c: AdminContext): Promise<Reply> {
    const visible = visibleLedger(ledger, c.get('actor'));
    return sendSums(c, {
      name: 'usage',
      figures: usageFigures,
      parse: (url) => parseUsageQuery(url, { clock, maxDays: ledger.maxDays }),
      read: async ({ top, ...query }) => {
        const rows = await visible.usage(query);
        return top === null ? rows : dearestFirst(rows, top);
      },
    });
  }

  function refusals(c: AdminContext): Promise<Reply> {
    const visible = visibleLedger(ledger, c.get('actor'));
    return sendSums(c, {
      name: 'refusals',
      figures: refusalFigures,
      parse: (url) => parseRefusalQuery(url, { clock, maxDays: ledger.maxDays }),
      read: (query) => visible.refusals(query),
    });
  }

  function requests(c: AdminContext): Promise<Reply> {
    const visible = visibleLedger(ledger, c.get('actor'));
    return sendList(c, {
      name: 'tollgate-requests',
      columns: entryFields,
      parse: parseEntryQuery,
      read: (query) => visible.entries(query),
      who: ({ filters }) => filters,
    });
  }

  function changes(c: AdminContext): Promise<Reply> {
    return sendList(c, {
      name: 'tollgate-audit',
      columns: auditFields,
      parse: parseAuditQuery,
      read: (query) => audit.entries(query),
      who: ({ team }) => (team === undefined ? {} : { team }),
    });
  }

  async function sendSums<Query extends SumQuery<string>>(
    c: AdminContext,
    { name, figures, parse, read }: Sums<Query>,
  ): Promise<Reply> {
    const asked = askedIn(c, parse);
    if (asked instanceof Refusal) return asked;
    const { query, form } = asked;
    const unknown = await unknownWho({ identities }, query.filters, visibleTeams(c.get('actor')));
    let pages = sumsInPages(query, read);
    if (unknown) {
      const report = await begun(pages, (row) =>
        figures.some((figure) => row[figure] !== 0 && row[figure] !== null),
      );
      if (!report.found) return unknown;
      ({ pages } = report);
    }
    return send(c, form, { name: fileName(name, query), columns: [...query.groupBy, ...figures], pages });
  }

  /** JSON is one page. Other formats are the whole list; with a limit they are one page, and a header has the next cursor. */
  async function sendList<Query extends PagedQuery>(c: AdminContext, list: PagedList<Query>): Promise<Reply> {
    const asked = askedIn(c, list.parse);
    if (asked instanceof Refusal) return asked;
    const { query, form } = asked;
    const { name, columns, read } = list;
    const unknown = await unknownWho({ identities }, list.who(query), visibleTeams(c.get('actor')));
    const isWhole = form.format !== 'json' && query.limit === null;
    const limit = isWhole ? rowsPerPage : (query.limit ?? defaultLimit);
    const first = await read({ ...query, limit });
    const { data, next_cursor } = first;
    if (unknown && query.cursor === null && data.length === 0 && next_cursor === null) return unknown;
    if (form.format === 'json') return { status: 200, body: first };
    if (isWhole) {
      const left = new AbortController();
      const pages = pagesFrom(first, (cursor) => read({ ...query, limit, cursor }), left.signal);
      return send(c, form, { name, columns, pages: rowsIn(pages) }, left);
    }
    const headers = next_cursor === null ? {} : { 'x-next-cursor': next_cursor };
    return send(c, form, { name, columns, pages: rowsIn([data]), headers });
  }

  async function send(
    c: AdminContext,
    { format, bom }: CheckedForm,
    report: Report,
    left = new AbortController(),
  ): Promise<Reply> {
    const { outgoing } = (c.env ?? {}) as Partial<HttpBindings>; // node-server sets it
    const full = outgoing && holdingOf(outgoing).answer(pageBytes);
    if (full) return full;
    const failed = (error: unknown): void => onError(error, c.get('requestId'));
    return streamedReport({ ...report, bom }, format, { left, failed, cut: connectionCut(c) });
  }

  return [
    { path: '/admin/usage', methods: { GET: needing('read-lists', usageDocs, usage) } },
    { path: '/admin/requests', methods: { GET: needing('read-lists', requestsDocs, requests) } },
    { path: '/admin/refusals', methods: { GET: needing('read-lists', refusalsDocs, refusals) } },
    { path: '/admin/audit', methods: { GET: needing('read-gateway', auditDocs, changes) } },
  ];
}

/** What a request asks for and in which format, or the refusal. */
function askedIn<Query>(
  c: AdminContext,
  parse: (url: string) => Asked<Query> | Refusal,
): { query: Query; form: CheckedForm } | Refusal {
  c.header('vary', 'Accept');
  const asked = parse(c.req.url);
  if (asked instanceof Refusal) return asked;
  const form = formFor(asked.form, c.req.header('accept'));
  return form instanceof Refusal ? form : { query: asked.query, form };
}

/** Cuts the caller's connection; null if a program calls the routes without one. */
function connectionCut(c: AdminContext): (() => void) | null {
  const { outgoing } = (c.env ?? {}) as Partial<HttpBindings>; // node-server sets it
  return outgoing ? () => void outgoing.destroy() : null;
}

function fileName(what: string, { from, to }: { from: string; to: string }): string {
  return `tollgate-${what}-${from === to ? from : `${from}-to-${to}`}`;
}

async function* rowsIn(pages: AsyncIterable<object[]> | Iterable<object[]>): AsyncGenerator<Row[]> {
  for await (const page of pages) yield page.map((entry): Row => ({ ...entry }));
}
