import { isJsonObject } from '../base/json.ts';
import { hash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { AuditEntry, Change } from './audit.ts';
import type { JsonObject, JsonValue } from '../base/request.ts';

/** The part of an entry that tells of the change. */
export type AuditedChange = Pick<AuditEntry, 'operation' | 'kind' | 'team' | 'id' | 'before' | 'after'>;

/** An import tells of so much of what it wrote; of the rest, how many records, and a digest over all. */
const maxImportCharacters = 16_384;

/** What a change did, in the words of the trail, and as much of the record as it touched. Pure. */
export function auditedChange(change: Change): AuditedChange {
  const { kind, team, id, before, after, records } = change;
  if (records) return { operation: 'import.write', kind, team, id, before: null, after: summary(records) };
  const [was, is] = [before && auditedRecord(before), after && auditedRecord(after)];
  const place = { kind, team, id };
  const operation = `${kind}.${verbOf(kind, was, is)}`;
  if (was === null || is === null) {
    return { operation, ...place, before: was && withoutNulls(was), after: is && withoutNulls(is) };
  }
  const names = [...new Set([...Object.keys(was), ...Object.keys(is)])];
  const touched = names.filter((name) => !isDeepStrictEqual(was[name] ?? null, is[name] ?? null));
  return { operation, ...place, before: picked(was, touched), after: picked(is, touched) };
}

/** A record as the admin API shows it: limits without the ids of their counters, secrets without their hashes. */
export function auditedRecord(record: JsonObject): JsonObject {
  const shown = { ...record };
  if ('limits' in shown) shown['limits'] = without('id', shown['limits']);
  if ('secrets' in shown) shown['secrets'] = without('hash', shown['secrets']);
  return shown;
}

function summary(records: readonly Change[]): JsonObject {
  const told: JsonObject[] = [];
  const digest: string[] = [];
  let characters = 0;
  for (const record of records) {
    const shown: JsonObject = { ...auditedChange(record) };
    const text = JSON.stringify(shown);
    characters += text.length;
    if (characters <= maxImportCharacters) told.push(shown);
    digest.push(hash('sha256', text));
  }
  const leftOut = records.length - told.length;
  const rest = leftOut === 0 ? {} : { left_out: leftOut, digest: hash('sha256', digest.join('\n')) };
  return { written: records.length, records: told, ...rest };
}

function verbOf(kind: Change['kind'], was: JsonObject | null, is: JsonObject | null): string {
  if (kind === 'settings') return 'change';
  if (was === null) return kind === 'token' || kind === 'claim' ? 'issue' : 'create';
  if (is === null) return 'delete';
  if (began('revoked_at', was, is)) return 'revoke';
  if (began('suspended_at', was, is)) return 'suspend';
  if (began('suspended_at', is, was)) return 'resume';
  return isDeepStrictEqual(was['prefix'], is['prefix']) ? 'change' : 'rotate';
}

function began(field: string, was: JsonObject, is: JsonObject): boolean {
  return (was[field] ?? null) === null && (is[field] ?? null) !== null;
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

/** A field that is absent says what null says. */
function withoutNulls(record: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== null));
}
