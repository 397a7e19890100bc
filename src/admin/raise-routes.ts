import { z } from 'zod';
import type { Need } from '../access/permission.ts';
import { createdJson, jsonBody } from '../base/operation-docs.ts';
import { Refusal } from '../base/refusal.ts';
import { storedTime } from '../base/fields.ts';
import { raiseLimit, withdrawRaise } from '../identity/operations/raise-limit.ts';
import type { RecordOf } from '../identity/operations/records.ts';
import type { RecordKey } from '../identity/records/identity.ts';
import { maxRaiseDays, raise } from '../identity/records/raise.ts';
import type { AdminDeps } from './deps.ts';
import { readBody } from './read-body.ts';
import { replyOf, type Resource } from './resource.ts';
import { type AdminContext, needing, type Route } from './respond.ts';

const newRaise = z
  .strictObject({
    by: raise.shape.by,
    until: storedTime
      .meta({ description: `At most ${maxRaiseDays} days ahead. RFC 3339, UTC.` })
      .exactOptional(),
    for_seconds: z
      .int('must be a whole number of seconds')
      .min(1, 'must be at least 1')
      .max(maxRaiseDays * 86_400, `must be at most ${maxRaiseDays} days`)
      .meta({ description: "Instead of until: from now on, by the store's clock." })
      .exactOptional(),
  })
  .refine(({ until, for_seconds: seconds }) => (until === undefined) !== (seconds === undefined), {
    path: ['until'],
    error: 'or for_seconds must be sent: one of them',
  })
  .meta({ oneOf: [{ required: ['until'] }, { required: ['for_seconds'] }] });

/** Records of a kind, one of which is under the path. */
export interface OneRecord<K> {
  path: string;
  needs: Need;
  noun: string;
  keyOf: (c: AdminContext) => K;
}

/** What raises limits of records of a kind, and withdraws raises. The records themselves list them. */
export function raiseRoutes<K extends RecordKey>(
  deps: AdminDeps,
  records: Resource<RecordOf<K>>,
  { path, needs, noun, keyOf }: OneRecord<K>,
): Route[] {
  const raising = needing(
    needs,
    {
      summary: `Raise a limit of a ${noun} until a time`,
      details: `Adds to the limit's max from the next request on. It ends by itself, by the store's clock. The ${noun} lists its raises.`,
      body: jsonBody(newRaise),
      answer: createdJson(raise),
      etag: 'asked',
    },
    async (c) => {
      const asked = await readBody(c, newRaise);
      if (asked instanceof Refusal) return asked;
      const limit = c.req.param('limit') ?? '';
      const made = await raiseLimit(deps, keyOf(c), { limit, ...asked }, c.get('precondition'));
      return replyOf(201, made instanceof Refusal ? made : { record: made.record, body: made.raise });
    },
  );
  const withdrawing = records.end({ needs, summary: `Withdraw a raise of a ${noun} before it ends` }, (c) =>
    withdrawRaise(deps, keyOf(c), c.req.param('raise') ?? '', c.get('precondition')),
  );
  return [
    { path: `${path}/limits/:limit/raise`, methods: { POST: raising } },
    { path: `${path}/raises/:raise`, methods: { DELETE: withdrawing } },
  ];
}
