import type { HttpBindings } from '@hono/node-server';
import type { Checked } from '../base/check.ts';
import type { OperationDocs } from '../base/operation-docs.ts';
import { usageFigures } from '../ledger/entry.ts';
import { Refusal } from '../base/refusal.ts';
import { entryResponse, refusalRowResponse, usageRowResponse } from '../ledger/ledger-response.ts';
import { defaultLimit, notAcceptable, pageOf, pagesOfList, reported, rowsOf } from './list-docs.ts';
import type { AdminDeps } from './deps.ts';
import { entryReport, entryShown } from '../reports/entry-report.ts';
import { queryOf } from '../reports/filters.ts';
import { type Asked, type Format, formatFor } from '../reports/formats.ts';
import { parseRefusalQuery, refusalParameters } from '../reports/refusal-query.ts';
import { replyWithReport } from './report.ts';
import type { Report } from '../reports/report.ts';
import { entriesInPages, sumsInPages } from '../reports/report-pages.ts';
import { type AskedEntries, entryParameters, parseEntryQuery } from '../reports/entry-query.ts';
import { needing, type AdminContext, type Reply, type Route } from './respond.ts';
import { parseUsageQuery, usageParameters } from '../reports/usage-query.ts';
import { visibleLedger, visibleRefusals } from '../reports/visible-ledger.ts';

const reportDocs = {
  usage: {
    summary: 'Sum up what was used',
    details: 'Whole UTC days; today where nothing is said. Without group_by, one row.',
    query: usageParameters,
    answer: reported(rowsOf(usageRowResponse)),
    others: notAcceptable,
  },
  requests: {
    summary: 'List requests that were admitted, the newest closed first',
    details: pagesOfList,
    query: entryParameters,
    answer: reported(pageOf(entryResponse)),
    others: notAcceptable,
  },
  refusals: {
    summary: 'Count requests that were refused',
    details: 'Whole UTC days; today where nothing is said. Without group_by, one row.',
    query: refusalParameters,
    answer: reported(rowsOf(refusalRowResponse)),
    others: notAcceptable,
  },
} satisfies Record<string, OperationDocs>;

/** What the ledger says: sums, single requests, and what was refused; as JSON, CSV or NDJSON. */
export function reportRoutes({ ledger, refused, clock, onError }: AdminDeps): Route[] {
  const ledgerOf = (c: AdminContext): ReturnType<typeof visibleLedger> =>
    visibleLedger(ledger, c.get('actor'));

  async function usage(c: AdminContext): Promise<Reply> {
    const asked = askedIn(c, (query) => parseUsageQuery(query, clock));
    if (asked instanceof Refusal) return asked;
    const { query, format } = asked;
    return send(c, format, {
      name: fileName('usage', query.from, query.to),
      columns: [...query.groupBy, ...usageFigures],
      pages: sumsInPages(query, (part) => ledgerOf(c).usage(part)),
    });
  }

  async function refusals(c: AdminContext): Promise<Reply> {
    const asked = askedIn(c, (query) => parseRefusalQuery(query, clock));
    if (asked instanceof Refusal) return asked;
    const { query, format } = asked;
    return send(c, format, {
      name: fileName('refusals', query.from, query.to),
      columns: [...query.groupBy, 'refused'],
      pages: sumsInPages(query, (part) => visibleRefusals(refused, c.get('actor')).refusals(part)),
    });
  }

  async function requests(c: AdminContext): Promise<Reply> {
    const asked = askedIn(c, parseEntryQuery);
    if (asked instanceof Refusal) return asked;
    const { query, format } = asked;
    if (format === 'json') return { status: 200, body: await entryPage(c, query) };
    return query.limit === null ? allEntries(c, format, query) : someEntries(c, format, query);
  }

  async function entryPage(
    c: AdminContext,
    { limit, ...query }: AskedEntries,
  ): Promise<{ data: object[]; next_cursor: string | null }> {
    const { data, next_cursor } = await ledgerOf(c).entries({ ...query, limit: limit ?? defaultLimit });
    return { data: data.map(entryShown), next_cursor };
  }

  /** However many there are. */
  function allEntries(c: AdminContext, format: Format, query: AskedEntries): Promise<Reply> {
    const left = new AbortController();
    const { limit: _none, ...wanted } = query;
    return send(c, format, entryReport(entriesInPages(ledgerOf(c), wanted, left.signal)), left);
  }

  /** A page, as in JSON; where the next one begins is said in a header. */
  async function someEntries(c: AdminContext, format: Format, query: AskedEntries): Promise<Reply> {
    const { data, next_cursor } = await ledgerOf(c).entries({
      ...query,
      limit: query.limit ?? defaultLimit,
    });
    const headers = next_cursor === null ? {} : { 'x-next-cursor': next_cursor };
    return send(c, format, { ...entryReport([data]), headers });
  }

  function send(
    c: AdminContext,
    format: Format,
    report: Report,
    left = new AbortController(),
  ): Promise<Reply> {
    const failed = (error: unknown): void => onError(error, c.get('requestId'));
    return replyWithReport(report, format, { left, failed, cut: connectionOf(c) });
  }

  return [
    { path: '/admin/usage', methods: { GET: needing('read-lists', reportDocs.usage, usage) } },
    { path: '/admin/requests', methods: { GET: needing('read-lists', reportDocs.requests, requests) } },
    { path: '/admin/refusals', methods: { GET: needing('read-lists', reportDocs.refusals, refusals) } },
  ];
}

/** What a request asks for and as what, or why it cannot be had. */
export function askedIn<Query>(
  c: AdminContext,
  parse: (query: Record<string, string>) => Checked<Asked<Query>>,
): { query: Query; format: Format } | Refusal {
  c.header('vary', 'Accept');
  const parameters = queryOf(new URL(c.req.url).searchParams);
  if (parameters instanceof Refusal) return parameters;
  const parsed = parse(parameters);
  if (!parsed.ok) return parsed.refusal;
  const format = formatFor(parsed.value.format, c.req.header('accept'));
  return format instanceof Refusal ? format : { query: parsed.value.query, format };
}

/** Cuts the caller's connection; null where a program asks without one. */
export function connectionOf(c: AdminContext): (() => void) | null {
  const { outgoing } = (c.env ?? {}) as Partial<HttpBindings>; // what node-server gives, where it does
  return outgoing ? () => void outgoing.destroy() : null;
}

function fileName(what: string, from: string, to: string): string {
  return `tollgate-${what}-${from === to ? from : `${from}-to-${to}`}`;
}
