import { isJsonObject, type JsonObject, type JsonValue, valuesIn } from '../base/request.ts';
import { check } from '../base/check.ts';
import { type Problem, Refusal } from '../base/refusal.ts';
import { tooLarge } from '../identity/operations/record-size.ts';
import { shortened, type Row } from './document.ts';
import { amountProblem, type Raised } from '../identity/records/raise.ts';
import type { Section } from './sections.ts';

/** How many values a row may have, nested ones included: twice the largest row that fits the schemas. */
const maxValues = 4_000;
/** How many secrets a token may have. */
const maxHashes = 8;
const limitId = /^[A-Za-z0-9_-]{1,64}$/;
/** SHA-256 as base64url, or the key of a token that a sign-in created. */
const secretHash = /^(?:[A-Za-z0-9_-]{43}|sign-in:oidc-[0-9a-f]{32}:[a-z0-9][a-z0-9-]{0,38})$/;

/** One row as it is to be stored, or everything that is wrong with it. Pure. */
export function readRow(section: Section, item: JsonValue, path: string): Row | Problem[] {
  if (!isJsonObject(item)) return [{ param: path, message: `${path} must be an object.` }];
  if (valuesIn(item, maxValues) > maxValues) {
    return [{ param: path, message: `${path} has more in it than any record.` }];
  }
  const { limits = null, secret_hashes: hashesGiven = null, ...rest } = item;
  const named = limitNames(limits, path, section.limitIds);
  const hashes = section.hasSecrets ? hashesIn(hashesGiven, path) : unknownHashes(hashesGiven, path);
  const checked = check(section.schema, { ...rest, ...('limits' in item ? { limits: named.bare } : {}) });
  const problems = [
    ...(checked instanceof Refusal ? (checked.details.problems ?? []) : []).map((each) => under(path, each)),
    ...named.problems,
    ...hashes.problems,
  ];
  if (checked instanceof Refusal || problems.length > 0) return problems;
  // What fits the schema of a section is JSON.
  const value = checked as JsonObject;
  const withIds = limitsOf(value).map((limit, n) => ({ id: named.ids[n] ?? '', ...limit }));
  const record = 'limits' in value ? { ...value, limits: withIds } : value;
  // What fits the schema of a section that has raises, with the ids of its limits.
  const wrong = 'raises' in record ? wrongRaises(record as object as Raised, path) : [];
  if (wrong.length > 0) return wrong;
  const large = tooLarge(record)?.details.problems ?? [];
  if (large.length > 0) return large.map((each) => under(path, each));
  return { section, path, key: section.keyOf(value), record, secrets: hashes.found };
}

/** Raises of limits that the row does not have, or by more than such a limit may hold. */
function wrongRaises(raised: Raised, path: string): Problem[] {
  const raises = raised.raises ?? [];
  return raises.flatMap(({ limit: id }, n) => {
    const param = `${path}.raises.${n}`;
    const limit = raised.limits.find((each) => each.id === id);
    if (!limit) return [{ param: `${param}.limit`, message: `${param}.limit names no limit of this row.` }];
    const upToThis = raises.slice(0, n + 1).filter((each) => each.limit === id);
    const wrong = amountProblem(
      limit,
      upToThis.map(({ by }) => by),
    );
    const message = `${param}.by, and max with all raises, ${wrong}.`;
    return wrong === null ? [] : [{ param: `${param}.by`, message }];
  });
}

/** The limits of a checked row; none if its section has none. */
export function limitsOf({ limits = [] }: JsonObject): JsonObject[] {
  return Array.isArray(limits) ? limits.filter(isJsonObject) : [];
}

/** Limits without their ids, as the API accepts them, and the ids apart. */
function limitNames(
  limits: JsonValue,
  path: string,
  begin: string,
): { bare: JsonValue; ids: string[]; problems: Problem[] } {
  if (!Array.isArray(limits)) return { bare: limits, ids: [], problems: [] };
  const ids: string[] = [];
  const problems: Problem[] = [];
  const bare = limits.map((limit, n) => {
    if (!isJsonObject(limit)) return limit;
    const { id, ...others } = limit;
    ids[n] = typeof id === 'string' ? id : '';
    if (!ids[n].startsWith(begin) || !limitId.test(ids[n].slice(begin.length))) {
      const param = `${path}.limits.${n}.id`;
      problems.push({
        param,
        message: `${param} must be ${begin === '' ? '' : `${begin} and `}1 to 64 of A-Z, a-z, 0-9, - and _.`,
      });
    }
    return others;
  });
  return { bare, ids, problems };
}

function hashesIn(hashes: JsonValue, path: string): { found: string[]; problems: Problem[] } {
  const param = `${path}.secret_hashes`;
  if (!Array.isArray(hashes) || hashes.length > maxHashes) {
    return { found: [], problems: [{ param, message: `${param} must be a list of at most ${maxHashes}.` }] };
  }
  const found: string[] = [];
  const problems: Problem[] = [];
  for (const [n, hash] of hashes.entries()) {
    if (typeof hash === 'string' && secretHash.test(hash)) found.push(hash);
    // Does not repeat the value: somebody may have put the token itself there.
    else problems.push({ param: `${param}.${n}`, message: `${param}.${n} must be a SHA-256 as base64url.` });
  }
  return { found, problems };
}

function unknownHashes(hashes: JsonValue, path: string): { found: string[]; problems: Problem[] } {
  if (hashes === null) return { found: [], problems: [] };
  const param = `${path}.secret_hashes`;
  return { found: [], problems: [{ param, message: `${param} is not a field known here.` }] };
}

/** A problem of a row with the row's path in front. */
function under(path: string, { param, message }: Problem): Problem {
  return { param: shortened(`${path}.${param}`), message: shortened(`${path}.${message}`) };
}
