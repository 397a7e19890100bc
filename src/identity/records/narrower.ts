import { isDeepStrictEqual } from 'node:util';
import { limitIdentity } from '../../base/fields.ts';
import { type Limit, onlyObserves } from '../../base/limit.ts';
import { sessionProofs } from '../../base/session-proof.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../base/request.ts';

/** Whether a field allows no more than it did. */
type Rule = (before: JsonValue, after: JsonValue) => boolean;

const defaultSessionBodyBytes = 1_048_576;

/** Fields with an order. Any other field must stay as it is. */
const rules: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ['models', isWithin],
  ['endpoints', isWithin],
  ['origins', isWithin],
  ['tools', (before, after) => isWithin(before ?? [], after ?? [])],
  ['request_tags', (before, after) => isWithin(before ?? [], after ?? [])],
  ['limits', areLower],
  ['end_user_limits', areLower],
  ['raises', (before, after) => areStillIn(after, before)],
  ['defaults', (before, after) => everyField(objectIn(before), objectIn(after), areLower)],
  ['expires_at', isSooner],
  ['secrets', endSooner],
  ['suspended_at', (before) => before === null],
  ['suspended_end_users', (before, after) => areStillIn(before, after)],
  ['revoked_at', (before) => before === null],
  ['revoked_because', (before) => before === null],
  ['max_session_body_bytes', (before, after) => bytesOf(after) <= bytesOf(before)],
  ['session_proof', (before, after) => strengthOf(after) >= strengthOf(before)],
  ['dearer_fallback', (_, after) => after !== true],
]);

/**
 * Whether a change of a stored record takes something away and gives nothing: lists and limits that shrink, an earlier
 * expiry, a suspension, a revocation. Such a change works in a full store. Pure.
 */
export function narrows(before: JsonObject, after: JsonObject): boolean {
  return everyField(before, after, (was, is, name) => rules.get(name)?.(was, is) ?? false);
}

/** An absent field means the same as null. */
function everyField(
  before: JsonObject,
  after: JsonObject,
  rule: (was: JsonValue, is: JsonValue, name: string) => boolean,
): boolean {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].every((name) => {
    const [was, is] = [before[name] ?? null, after[name] ?? null];
    return isDeepStrictEqual(was, is) || rule(was, is, name);
  });
}

function isSooner(before: JsonValue, after: JsonValue): boolean {
  return after !== null && (before === null || after <= before);
}

/** The same secrets, of which some end sooner. */
function endSooner(before: JsonValue, after: JsonValue): boolean {
  if (!Array.isArray(before) || !Array.isArray(after) || before.length !== after.length) return false;
  return before.every((secret, n) =>
    everyField(
      objectIn(secret),
      objectIn(after[n] ?? null),
      (was, is, name) => name === 'expires_at' && isSooner(was, is),
    ),
  );
}

function isWithin(before: JsonValue, after: JsonValue): boolean {
  if (before === null) return true;
  return Array.isArray(before) && Array.isArray(after) && after.every((item) => before.includes(item));
}

/** Each item that there was is still there. */
function areStillIn(before: JsonValue, after: JsonValue): boolean {
  const is = Array.isArray(after) ? after : [];
  return (Array.isArray(before) ? before : []).every((item) =>
    is.some((other) => isDeepStrictEqual(item, other)),
  );
}

/** Each limit there was is still there, no higher, and holds if it did. */
function areLower(before: JsonValue, after: JsonValue): boolean {
  const [was, is] = [limitsIn(before), limitsIn(after)];
  return was.every((limit) =>
    is.some(
      (other) =>
        limitIdentity(other) === limitIdentity(limit) &&
        other.max <= limit.max &&
        (onlyObserves(limit) || !onlyObserves(other)),
    ),
  );
}

function objectIn(value: JsonValue): JsonObject {
  return isJsonObject(value) ? value : {};
}

/** Limits of a stored record, which this program wrote. */
function limitsIn(value: JsonValue): Limit[] {
  return Array.isArray(value) ? (value as unknown as Limit[]) : [];
}

/** Of what its sessions must prove. */
function strengthOf(value: JsonValue): number {
  return sessionProofs.findIndex((each) => each === value);
}

function bytesOf(value: JsonValue): number {
  return typeof value === 'number' ? value : defaultSessionBodyBytes;
}
