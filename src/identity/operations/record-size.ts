import { invalidBody, type Refusal } from '../../base/refusal.ts';
import { maxRecordBytes } from '../records/bounds.ts';

/** What rotating, suspending, revoking and raising put into a record: they work on one of any size. */
const apart = new Set([
  'secrets',
  'suspended_at',
  'suspended_end_users',
  'revoked_at',
  'revoked_because',
  'raises',
]);

/**
 * The 400 of a record that is too large to be stored, naming its largest field; null if it fits. One that is stored
 * already, from before there was such a bound, may stay as large as it is.
 */
export function tooLarge(record: object, before: object | null = null): Refusal | null {
  const bytes = sizeOf(record);
  if (bytes <= maxRecordBytes || (before !== null && bytes <= sizeOf(before))) return null;
  const { name, size } = largestField(record);
  const message = `${name} takes ${size} of the ${bytes} bytes of this record, which may have at most ${maxRecordBytes}. Shorten it.`;
  return invalidBody([{ param: name, message }]);
}

/** The field of a record that takes most. */
function largestField(record: object): { name: string; size: number } {
  const fields = fieldsOf(record).map(([name, value]) => ({ name, size: bytesIn(value) }));
  return fields.reduce((largest, field) => (field.size > largest.size ? field : largest));
}

function sizeOf(record: object): number {
  return bytesIn(Object.fromEntries(fieldsOf(record)));
}

function fieldsOf(record: object): [string, unknown][] {
  return Object.entries(record).filter(([name]) => !apart.has(name));
}

function bytesIn(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value) ?? '');
}
