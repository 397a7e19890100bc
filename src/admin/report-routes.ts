import { Refusal } from '../core/refusal.ts';
import type { AdminDeps } from './deps.ts';
import { queryOf } from './filters.ts';
import { parseEntryQuery } from './requests.ts';
import { needing, type AdminContext, type Reply, type Route } from './respond.ts';
import { parseUsageQuery } from './usage.ts';
import { visibleLedger } from './visible-ledger.ts';

/** What the ledger says: sums and single requests. */
export function reportRoutes({ ledger, clock }: AdminDeps): Route[] {
  async function usage(c: AdminContext): Promise<Reply> {
    const query = queryOf(new URL(c.req.url).searchParams);
    if (query instanceof Refusal) return query;
    const parsed = parseUsageQuery(query, clock);
    if (!parsed.ok) return parsed.refusal;
    const visible = visibleLedger(ledger, c.get('actor'));
    return { status: 200, body: { data: await visible.usage(parsed.value) } };
  }

  async function requests(c: AdminContext): Promise<Reply> {
    const query = queryOf(new URL(c.req.url).searchParams);
    if (query instanceof Refusal) return query;
    const parsed = parseEntryQuery(query);
    if (!parsed.ok) return parsed.refusal;
    const visible = visibleLedger(ledger, c.get('actor'));
    return { status: 200, body: await visible.entries(parsed.value) };
  }

  return [
    { path: '/admin/usage', methods: { GET: needing('read-lists', usage) } },
    { path: '/admin/requests', methods: { GET: needing('read-lists', requests) } },
  ];
}
