import { hash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { endUserHash } from '../base/end-user.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../base/request.ts';
import { originOf } from '../base/webhook-address.ts';
import type { AuditEntry, Change } from './audit.ts';
import { canonical } from './canonical.ts';

/** The part of an entry that describes the change. */
export type AuditedChange = Pick<AuditEntry, 'operation' | 'kind' | 'team' | 'id' | 'before' | 'after'>;

/** An import entry lists records up to this size. For the rest it has their number and a digest over all records. */
const maxImportCharacters = 16_384;

/** The old and the new values of an entry have this many characters together; of the longest there is a digest. */
const maxValueCharacters = 1_536;

/** The change as an entry of the trail describes it: only the fields that changed. Pure. */
export function auditedChange(change: Change): AuditedChange {
  const { kind, team, id, before, after, records } = change;
  if (records) return { operation: 'import.write', kind, team, id, before: null, after: summary(records) };
  const [was, is] = [
    before && auditedRecord(before, after, kind),
    after && auditedRecord(after, before, kind),
  ];
  const key = { kind, team, id };
  const operation = change.operation ?? `${kind}.${verbOf(kind, was, is)}`;
  if (was === null || is === null) {
    return { operation, ...key, ...shortened(was && withoutNulls(was), is && withoutNulls(is)) };
  }
  const names = [...new Set([...Object.keys(was), ...Object.keys(is)])];
  const differs = (name: string, one: JsonObject | null, other: JsonObject | null): boolean =>
    !isDeepStrictEqual(one?.[name] ?? null, other?.[name] ?? null);
  // What a webhook hides has changed if it looks the same, too.
  const touched = names.filter(
    (name) => differs(name, was, is) || (kind === 'webhook' && differs(name, before, after)),
  );
  return { operation, ...key, ...shortened(picked(was, touched), picked(is, touched)) };
}

/**
 * Puts the SHA-256 and the length of its canonical JSON in the place of a value, the longest first, until the rest is
 * short: the trail is never trimmed, so nobody may fill the store with it. An export can be compared with the digest.
 */
function shortened<R extends JsonObject | null>(before: R, after: R): { before: R; after: R } {
  const sides = { before: before && { ...before }, after: after && { ...after } };
  const values = [sides.before, sides.after].flatMap((side) =>
    Object.entries(side ?? {}).map(([name, value]) => ({ side, name, text: canonical(value) })),
  );
  let length = values.reduce((sum, { text }) => sum + text.length, 0);
  for (const { side, name, text } of values.sort((a, b) => b.text.length - a.text.length)) {
    if (length <= maxValueCharacters || side === null) break;
    side[name] = { sha256: hash('sha256', text), length: text.length };
    length -= text.length - digestCharacters;
  }
  return sides;
}

/** What stands for a long value takes this much. */
const digestCharacters = 100;

/**
 * A record in the form of the admin API: limits without ids, raises with their limits, secrets without hashes; of a webhook
 * the origin of its address, and when its secrets end. `other` is what it was, or is.
 */
function auditedRecord(record: JsonObject, other: JsonObject | null, kind: Change['kind']): JsonObject {
  const audited = { ...record };
  const { raises = null, limits } = record;
  if (raises !== null) audited['raises'] = withLimits(listIn(raises), listIn(limits));
  if ('limits' in audited) audited['limits'] = without('id', audited['limits']);
  if ('suspended_end_users' in audited) audited['suspended_end_users'] = ownEndUsers(record, other);
  if ('secrets' in audited) {
    audited['secrets'] = without(kind === 'webhook' ? 'text' : 'hash', audited['secrets']);
  }
  const { url } = record;
  if (kind === 'webhook' && typeof url === 'string') audited['url'] = originOf(url);
  return audited;
}

/** The suspended end users that only this side has, by their hashes: nothing could take a name from the trail again. */
function ownEndUsers(
  { id = null, suspended_end_users: own = null }: JsonObject,
  other: JsonObject | null,
): JsonValue {
  const others = objectsIn(other?.['suspended_end_users'] ?? null);
  const hashed = objectsIn(own)
    .filter((item) => !others.some((each) => isDeepStrictEqual(each, item)))
    .map(({ end_user: name = null, suspended_at: at = null }) => ({
      end_user: typeof id === 'string' && typeof name === 'string' ? endUserHash(id, name) : null,
      suspended_at: at,
    }));
  return hashed.length === 0 ? null : hashed;
}

function objectsIn(list: JsonValue): JsonObject[] {
  return Array.isArray(list) ? list.filter((item) => isJsonObject(item)) : [];
}

function summary(records: readonly Change[]): JsonObject {
  const listed: JsonObject[] = [];
  const digest: string[] = [];
  let characters = 0;
  for (const record of records) {
    const change: JsonObject = { ...auditedChange(record) };
    const text = JSON.stringify(change);
    characters += text.length;
    if (characters <= maxImportCharacters) listed.push(change);
    digest.push(hash('sha256', text));
  }
  const leftOut = records.length - listed.length;
  const rest = leftOut === 0 ? {} : { left_out: leftOut, digest: hash('sha256', digest.join('\n')) };
  return { written: records.length, records: listed, ...rest };
}

function verbOf(kind: Change['kind'], was: JsonObject | null, is: JsonObject | null): string {
  if (kind === 'settings') return 'change';
  if (was === null) return kind === 'token' || kind === 'claim' ? 'issue' : 'create';
  if (is === null) return 'delete';
  if (began('revoked_at', was, is)) return 'revoke';
  if (began('suspended_at', was, is)) return 'suspend';
  if (began('suspended_at', is, was)) return 'resume';
  if (hasMoreRaises(is, was)) return 'raise';
  if (hasMoreRaises(was, is) && isDeepStrictEqual(was['limits'], is['limits'])) return 'withdraw';
  if (began('suspended_end_users', was, is)) return 'suspend_end_user';
  if (began('suspended_end_users', is, was)) return 'resume_end_user';
  return isDeepStrictEqual(was['prefix'], is['prefix']) ? 'change' : 'rotate';
}

function began(field: string, was: JsonObject, is: JsonObject): boolean {
  return (was[field] ?? null) === null && (is[field] ?? null) !== null;
}

function hasMoreRaises(some: JsonObject, others: JsonObject): boolean {
  const known = new Set(listIn(others['raises']).map(({ id }) => id));
  return listIn(some['raises']).some(({ id }) => !known.has(id));
}

/** Raises with the limit itself in the place of its id. */
function withLimits(raises: readonly JsonObject[], limits: readonly JsonObject[]): JsonValue {
  return raises.map((raise) => {
    const { id, ...limit } = limits.find((each) => each['id'] === raise['limit']) ?? {};
    return id === undefined ? raise : { ...raise, limit };
  });
}

function listIn(value: JsonValue | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

function without(field: string, list: JsonValue | undefined): JsonValue {
  if (!Array.isArray(list)) return null;
  return list.map((item) => {
    if (!isJsonObject(item)) return item;
    const { [field]: _left, ...rest } = item;
    return rest;
  });
}

function picked(record: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(names.map((name) => [name, record[name] ?? null]));
}

/** An absent field means the same as null. */
export function withoutNulls(record: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== null));
}
