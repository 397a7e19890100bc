import { z } from 'zod';
import { time } from '../base/fields.ts';
import { okJson, type OperationDocs } from '../base/operation-docs.ts';
import { Refusal } from '../base/refusal.ts';
import { usageFigures } from '../ledger/totals.ts';
import { streamNames } from '../records/checkpoint.ts';
import type {
  RecordsBrief,
  RecordsStatus,
  TrailVerification,
  Verification,
} from '../records/records-view.ts';
import { checkDays, rangeParameters } from '../reports/parameters.ts';
import type { AdminDeps } from './deps.ts';
import { needing, type AdminContext, type Reply, type Route } from './respond.ts';

/** One call compares so many days at most, so that its answer comes within the time that a router gives it. */
const maxDays = 31;

const text = z.string();
const count = z.int().min(0);
const problem = text.nullable().meta({ description: 'Why Postgres was not read; null if it was.' });

const gap = z
  .object({
    stream: z.enum(streamNames),
    found_at: time,
    from: time.nullable().meta({ description: 'When the last element before it was written.' }),
    to: time.nullable().meta({ description: 'When the first element after it was written.' }),
    missing: count.nullable().meta({ description: 'Null: not known.' }),
    reason: text,
  })
  .meta({ id: 'Gap', description: 'What was in the store, and left it before it was in Postgres.' });

const anchor = z
  .object({ sequence: z.int().min(1), hash: text })
  .nullable()
  .meta({ description: 'The newest audit entry that is in Postgres only; null: the store has them all.' });

export const recordsBrief = z.object({
  state: z
    .enum(['on', 'off', 'unreachable'])
    .meta({ description: 'off: DATABASE_URL is not set, or cannot be used.' }),
  problem,
  backlog: ofStreams(count).extend({ bytes: count }).nullable().meta({
    description: 'How much is not in Postgres yet, and about how many bytes of the store that takes.',
  }),
  last_drain_at: time.nullable().meta({ description: 'When something was last moved to Postgres.' }),
} satisfies Record<keyof RecordsBrief, z.ZodType>);

const status = z.object({
  ...recordsBrief.shape,
  drained_to: ofStreams(time.nullable())
    .nullable()
    .meta({ description: 'When the newest element in Postgres was written.' }),
  oldest_entry_at: time.nullable(),
  size_bytes: count.nullable().meta({ description: 'Of the database.' }),
  gaps: z.array(gap).meta({ description: 'The newest first, at most 100.' }),
  audit_anchor: anchor,
} satisfies Record<keyof RecordsStatus, z.ZodType>);

const said = z.number().nullable().exactOptional();
const difference = z
  .object({
    kind: z.enum(['usage', 'refusals']),
    day: text,
    row: z.record(text, text.nullable()).meta({ description: 'What the row is of.' }),
    figure: text.meta({ description: `One of ${usageFigures.join(', ')}, refused, last_at (ms).` }),
    places: z.object({ store: said, sums: said, entries: said }).meta({
      description:
        "What each place says: the store's sums, those of Postgres, and its entries. Null: it does not have the row. Absent: it no longer has the day. Money is in nano-dollars.",
    }),
  })
  .meta({ id: 'RecordsDifference' });

const verification = z.object({
  rows: count.meta({ description: 'How many rows of sums were compared.' }),
  differences: z.array(difference),
  left_out: count.meta({ description: 'How many more differences there are.' }),
  gaps: z.array(gap).meta({ description: 'Those that touch these days.' }),
} satisfies Record<keyof Verification, z.ZodType>);

export const trailVerification = z.object({
  compared: count.meta({ description: 'How many entries both places have.' }),
  differences: z.array(
    z.object({
      id: text.meta({ description: 'Its cursor in /admin/audit.' }),
      kind: z.enum(['altered', 'missing_in_store', 'missing_in_records', 'anchor']).meta({
        description: 'anchor: what the store says was before its first entry is not what Postgres has there.',
      }),
    }),
  ),
  anchor,
  problem,
} satisfies Record<keyof TrailVerification, z.ZodType>);

const statusDocs: OperationDocs = {
  summary: 'Tell what Postgres keeps, and what it lacks',
  answer: okJson(status),
};
const verifyParameters = z.strictObject(rangeParameters);
const verifyDocs: OperationDocs = {
  summary: 'Compare the sums of the store, of Postgres, and of its entries',
  details: `Row by row, as of one moment. from and to are UTC days, at most ${maxDays}; the default is today.`,
  query: verifyParameters,
  answer: okJson(verification),
};
const trailDocs: OperationDocs = {
  summary: 'Compare the audit entries that are in the store and in Postgres',
  answer: okJson(trailVerification),
};

/** The records in Postgres: how they are, and whether they are what the store says. */
export function recordsRoutes({ recordsView: records, clock }: AdminDeps): Route[] {
  async function told(): Promise<Reply> {
    return { status: 200, body: await records.status() };
  }

  async function verified(c: AdminContext): Promise<Reply> {
    const asked = checkDays(verifyParameters, c.req.url, { clock, maxDays });
    if (asked instanceof Refusal) return asked;
    const body = await records.verify(asked);
    return body === null ? noRecords() : { status: 200, body };
  }

  async function trailVerified(): Promise<Reply> {
    return { status: 200, body: await records.verifyTrail() };
  }

  return [
    { path: '/admin/records', methods: { GET: needing('read-gateway', statusDocs, told) } },
    { path: '/admin/records/verify', methods: { GET: needing('read-gateway', verifyDocs, verified) } },
    { path: '/admin/records/audit', methods: { GET: needing('read-gateway', trailDocs, trailVerified) } },
  ];
}

function noRecords(): Refusal {
  return new Refusal('invalid_request', 'There is nothing to compare the store with: set DATABASE_URL.');
}

function ofStreams<Type extends z.ZodType>(type: Type) {
  return z.object({ entries: type, refusals: type, audit: type });
}
