import { z } from 'zod';
import type { EntryResponse } from '../audit/audit.ts';
import type { Head } from '../audit/chain.ts';
import { ChainCheck, type Verdict } from '../audit/chain-check.ts';
import { okJson, type OperationDocs } from '../base/operation-docs.ts';
import type { AdminDeps } from './deps.ts';
import { trailVerification } from './records-routes.ts';
import { needing, type Reply, type Route } from './respond.ts';

const entriesPerRead = 1_000;
/** Hashing so many takes the gateway about a second, in parts between which it does other work. */
const mostEntries = 50_000;

const text = z.string();
const count = z.int().min(0);
const head = z.object({ sequence: z.int().min(1), hash: text });

const verification = z.object({
  intact: z
    .boolean()
    .meta({ description: 'No entry that was checked is altered, dropped or in another position.' }),
  complete: z.boolean().meta({
    description: `Whether the whole trail was checked. One answer checks the newest ${mostEntries}; tollgate audit verify checks all.`,
  }),
  entries: count.meta({ description: 'How many were checked.' }),
  erased: count.meta({
    description: 'Of these, how many a person was erased from: their texts are not checked.',
  }),
  head: head.nullable().meta({ description: 'The newest entry.' }),
  flaw: z
    .object({ sequence: count, kind: z.enum(['altered', 'dropped', 'reordered']), why: text })
    .nullable()
    .meta({ description: 'The first entry that is not what was written.' }),
  copies: trailVerification.meta({ description: 'The entries of the store beside those of Postgres.' }),
});

const docs: OperationDocs = {
  summary: 'Check the chain of the audit trail',
  details:
    'Each entry has a hash over the one before and its own text. The gateway checks itself here; a check from outside, with the heads of a log, is tollgate audit verify --heads.',
  answer: okJson(verification),
};

/** `GET /admin/audit/verify`: whether the trail is what was written. */
export function auditVerifyRoute({ audit, recordsView }: Pick<AdminDeps, 'audit' | 'recordsView'>): Route {
  /** The check under way: those who ask meanwhile share it. */
  let running: Promise<z.infer<typeof verification>> | null = null;

  async function verified(): Promise<z.infer<typeof verification>> {
    const copies = await recordsView.verifyTrail();
    // What is in Postgres only cannot be read while Postgres cannot.
    const beginsAfter = copies.problem === null ? null : copies.anchor;
    const { verdict, complete } = await checkChain(audit, beginsAfter);
    const { entries, erased, head: newest, flaw } = verdict;
    return { intact: flaw === null, complete, entries, erased, head: newest, flaw, copies };
  }

  async function answer(): Promise<Reply> {
    running ??= verified().finally(() => (running = null));
    return { status: 200, body: await running };
  }

  return { path: '/admin/audit/verify', methods: { GET: needing('read-gateway', docs, answer) } };
}

/** Checks the newest entries, down to the one after `beginsAfter`. */
async function checkChain(
  audit: AdminDeps['audit'],
  beginsAfter: Head | null,
): Promise<{ verdict: Verdict; complete: boolean }> {
  const check = new ChainCheck();
  const first = (beginsAfter?.sequence ?? 0) + 1;
  let cursor: string | null = null;
  for (let read = 0; ; read += entriesPerRead) {
    const page: { data: EntryResponse[]; next_cursor: string | null } = await audit.entries({
      limit: entriesPerRead,
      cursor,
    });
    for (const entry of page.data) check.older(entry);
    cursor = page.next_cursor;
    if (cursor === null || check.reached === first) {
      return { verdict: check.end(beginsAfter ?? undefined), complete: beginsAfter === null };
    }
    if (read + entriesPerRead >= mostEntries) return { verdict: check.soFar(), complete: false };
  }
}
