import { isJsonObject, type JsonValue } from '../base/request.ts';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ArchiveKey } from '../identity/records/archive.ts';
import { invalidBody, Refusal, type Problem } from '../base/refusal.ts';
import { keyName, maxDocumentBytes, type BackupDocument, type Row } from './document.ts';
import { parseEnvelope } from './parse-document.ts';
import { limitsOf, readRow } from './read-row.ts';
import { sections, type Section } from './sections.ts';

/** An answer lists this many problems. Rows after them are not checked. */
const maxProblems = 50;
/** After this many rows (some 10 ms of work) other work gets a turn. */
const rowsATurn = 200;

/** Reads and checks a whole document; a refusal lists the first fifty problems, each with its path. */
export async function readDocument(text: string): Promise<BackupDocument | Refusal> {
  const bytes = Buffer.byteLength(text);
  if (bytes > maxDocumentBytes) {
    return new Refusal('body_too_large', `The document must have at most ${maxDocumentBytes} bytes.`);
  }
  const parsed = parseEnvelope(text);
  if (parsed instanceof Refusal) return parsed;
  const { value, problems } = parsed;
  const reading = new Reading(problems);
  for (const section of sections) {
    await reading.section(section, value[section.name] ?? []);
  }
  const { rows } = reading;
  const { exported_at: exportedAt, store } = value;
  if (problems.length > 0 || typeof exportedAt !== 'string')
    return invalidBody(problems.slice(0, maxProblems));
  return {
    exportedAt,
    store: typeof store === 'string' ? store : null,
    rows: rows.map((row) => endedWithoutSecrets(row, exportedAt)),
    bytes,
  };
}

/** A token without secrets is dead, even if its deletion failed before it was marked as revoked. */
function endedWithoutSecrets(row: Row, at: string): Row {
  const { section, record, secrets } = row;
  const { endedBy, hasSecrets } = section;
  if (endedBy === null || !hasSecrets || secrets.length > 0 || record[endedBy] !== null) return row;
  return { ...row, record: { ...record, [endedBy]: at } };
}

/** The rows read so far, and everything that must be unique. */
class Reading {
  readonly rows: Row[] = [];
  readonly #problems: Problem[];
  readonly #keys = new Map<string, string>();
  readonly #secrets = new Map<string, string>();
  readonly #limits = new Map<string, string>();

  constructor(problems: Problem[]) {
    this.#problems = problems;
  }

  async section(section: Section, value: JsonValue): Promise<void> {
    const { name } = section;
    if (!Array.isArray(value)) {
      this.#problems.push({ param: name, message: `${name} must be a list.` });
      return;
    }
    for (const [index, item] of value.entries()) {
      if (this.#problems.length >= maxProblems) return;
      if (index % rowsATurn === rowsATurn - 1) await nextTurn();
      const read = readRow(section, item, `${name}.${index}`);
      if (Array.isArray(read)) this.#refuse(section, item, read);
      else this.#add(read);
    }
  }

  #refuse(section: Section, item: JsonValue, problems: readonly Problem[]): void {
    this.#problems.push(...problems.slice(0, maxProblems));
    // The row is invalid but present, so rows that refer to it are not reported for that.
    if (isJsonObject(item)) this.#keys.set(keyName(section.keyOf(item)), section.name);
  }

  #add(row: Row): void {
    const { section, path, key, record, secrets } = row;
    this.#once(this.#keys, keyName(key), { param: `${path}.id`, what: 'the id' });
    for (const [index, secret] of secrets.entries()) {
      this.#once(this.#secrets, secret, { param: `${path}.secret_hashes.${index}`, what: 'the hash' });
    }
    // Counters belong to a team, so two limits with one id would share a counter.
    for (const [index, { id }] of limitsOf(record).entries()) {
      const name = JSON.stringify([key.team, id]);
      this.#once(this.#limits, name, { param: `${path}.limits.${index}.id`, what: 'the id of the limit' });
    }
    for (const parent of section.parentsOf(record, secrets)) this.#needs(parent, path);
    this.rows.push(row);
  }

  #once(seen: Map<string, string>, name: string, { param, what }: { param: string; what: string }): void {
    const first = seen.get(name);
    if (first === undefined) seen.set(name, param);
    else this.#problems.push({ param, message: `${param} is ${what} of ${first} as well.` });
  }

  #needs(parent: ArchiveKey, path: string): void {
    if (this.#keys.has(keyName(parent))) return;
    const param = `${path}.${parent.kind}`;
    this.#problems.push({ param, message: `${param} names a ${parent.kind} that is not in this document.` });
  }
}
