import { Refusal } from '../core/refusal.ts';
import type { AdminDeps } from './deps.ts';
import { queryOf } from './filters.ts';
import { parseEntryQuery } from './requests.ts';
import type { AdminContext, Reply, Route } from './respond.ts';
import { parseUsageQuery } from './usage.ts';

/** What the ledger says: sums and single requests. */
export function reportRoutes({ ledger, clock }: AdminDeps): Route[] {
  async function usage(c: AdminContext): Promise<Reply> {
    const query = queryOf(new URL(c.req.url).searchParams);
    if (query instanceof Refusal) return query;
    const parsed = parseUsageQuery(query, clock);
    if (!parsed.ok) return parsed.refusal;
    return { status: 200, body: { data: await ledger.usage(parsed.value) } };
  }

  async function requests(c: AdminContext): Promise<Reply> {
    const query = queryOf(new URL(c.req.url).searchParams);
    if (query instanceof Refusal) return query;
    const parsed = parseEntryQuery(query);
    return parsed.ok ? { status: 200, body: await ledger.entries(parsed.value) } : parsed.refusal;
  }

  return [
    { path: '/admin/usage', methods: { GET: usage } },
    { path: '/admin/requests', methods: { GET: requests } },
  ];
}
