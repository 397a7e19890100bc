import { z } from 'zod';
import type { AuditEntry, ChangeKind } from './audit.ts';
import { time } from '../base/fields.ts';

const kinds = ['team', 'user', 'token', 'claim', 'administrator', 'settings', 'import'] as const;
const text = z.string();
const record = z.looseObject({}).nullable();
const hash = text.meta({ description: 'Over the hash of the entry before and the text of this one.' });

/** A change, as the trail tells it. */
const auditedChange = z
  .object({
    sequence: z.int().min(1).meta({ description: '1, 2, 3, … without a gap.' }),
    time,
    actor: text.meta({
      description: 'root, adm_…, tok_… of a holder, sign-in, file or command-line.',
    }),
    address: text.nullable(),
    request_id: text.nullable(),
    operation: text.meta({ description: 'Such as token.revoke.' }),
    kind: z.enum(kinds satisfies readonly ChangeKind[]),
    team: text.nullable(),
    id: text.nullable(),
    before: record.meta({ description: 'The fields that changed; all of what was deleted.' }),
    after: record.meta({ description: 'The same after it; all of what was made.' }),
    hash,
  } satisfies Record<keyof AuditEntry | 'hash', z.ZodType>)
  .meta({ id: 'AuditEntry' });

/** An entry of the trail, or what somebody has made of one. */
export const auditEntryResponse = z.union([
  auditedChange,
  z.object({ unreadable: z.literal(true), hash }).meta({ id: 'UnreadableEntry' }),
]);
