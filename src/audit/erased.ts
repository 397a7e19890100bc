import { isJsonObject, type JsonObject, type JsonValue, parsedJson } from '../base/request.ts';
import { canonical } from './canonical.ts';

/*
 * Erasing a person takes what names them from entries that were written long ago. Such an entry keeps its number and its
 * hash, which the next entry covers, and an entry of the erasure names the numbers: nothing else may change a text.
 */

/** A user who is to be erased. */
export interface Person {
  team: string;
  user: string;
  /** Ids of the tokens that are or were theirs. */
  tokens: ReadonlySet<string>;
  /** What stands for the user afterwards. */
  pseudonym: string;
}

/** The name of the change that an erasure is recorded as. */
export const erasure = 'user.erase';

/** An entry's canonical text without what names the person, marked as erased; null if nothing in it does. Pure. */
export function erasedText(text: string, person: Person): string | null {
  const entry = entryIn(text);
  if (entry === null || entry['operation'] === erasure) return null;
  const address = isActor(entry, person) ? null : (entry['address'] ?? null);
  const erased = { ...changeWithout(entry, person), address };
  return canonical(erased) === canonical(entry) ? null : canonical({ ...erased, erased: true });
}

/** The ids of a user's tokens that a trail knows of, in one entry's text. */
export function tokensIn(text: string, { team, user }: Pick<Person, 'team' | 'user'>): string[] {
  const entry = entryIn(text);
  return (entry === null ? [] : changesIn(entry)).flatMap((change) => {
    const { kind, id } = change;
    const isTheirs = sides(change).some((side) => side['user'] === user);
    return change['team'] === team && kind === 'token' && typeof id === 'string' && isTheirs ? [id] : [];
  });
}

/** Numbers as a short text, `3-9,12`: ascending, each once. */
export function rangesOf(sequences: Iterable<number>): string {
  const ranges: [number, number][] = [];
  for (const sequence of [...new Set(sequences)].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last?.[1] === sequence - 1) last[1] = sequence;
    else ranges.push([sequence, sequence]);
  }
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(',');
}

/** Whether a text of ranges has a number. */
export function isInRanges(ranges: string, sequence: number): boolean {
  return ranges.split(',').some((range) => {
    const [from = Number.NaN, to = from] = range.split('-').map(Number);
    return sequence >= from && sequence <= to;
  });
}

function entryIn(text: string): JsonObject | null {
  const value = parsedJson(text) as JsonValue | undefined; // JSON.parse makes nothing else
  return isJsonObject(value) ? value : null;
}

/** The change of an entry, or each that an import lists. */
function changesIn(entry: JsonObject): JsonObject[] {
  const { after } = entry;
  if (entry['kind'] !== 'import' || !isJsonObject(after) || !Array.isArray(after['records'])) return [entry];
  return after['records'].filter((record) => isJsonObject(record));
}

function sides({ before, after }: JsonObject): JsonObject[] {
  return [before, after].filter((side) => isJsonObject(side));
}

function isActor({ actor }: JsonObject, { tokens }: Person): boolean {
  return typeof actor === 'string' && tokens.has(actor);
}

function changeWithout(change: JsonObject, person: Person): JsonObject {
  const { after } = change;
  if (change['kind'] === 'import' && isJsonObject(after) && Array.isArray(after['records'])) {
    const records = after['records'].map((record) =>
      isJsonObject(record) ? changeWithout(record, person) : record,
    );
    return { ...change, after: { ...after, records } };
  }
  if (!concerns(change, person)) return change;
  const without = (side: JsonValue | undefined): JsonValue =>
    isJsonObject(side) ? sideWithout(side, person) : (side ?? null);
  return {
    ...change,
    id: change['kind'] === 'user' ? person.pseudonym : (change['id'] ?? null),
    before: without(change['before']),
    after: without(change['after']),
    ...('reported_url' in change ? { reported_url: null } : {}), // it may name who put it there
  };
}

function concerns(change: JsonObject, { team, user, tokens }: Person): boolean {
  const { kind, id } = change;
  if (change['team'] !== team) return false;
  if (kind === 'user') return id === user;
  const isTheirs = typeof id === 'string' && tokens.has(id);
  return isTheirs || sides(change).some((side) => side['user'] === user);
}

/** Whatever people write into a record about themselves or their token. */
const naming: ReadonlySet<string> = new Set(['name', 'email', 'subject']);

function sideWithout(side: JsonObject, { user, pseudonym }: Person): JsonObject {
  const kept = Object.entries(side).map(([field, value]): [string, JsonValue] => {
    if (naming.has(field)) return [field, null];
    return [field, (field === 'id' || field === 'user') && value === user ? pseudonym : value];
  });
  return Object.fromEntries(kept);
}
