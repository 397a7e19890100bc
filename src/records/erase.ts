import { randomBytes } from 'node:crypto';
import type { AuditTrail } from '../audit/audit-trail.ts';
import { erasedText, erasure, type Person, rangesOf, tokensIn } from '../audit/erased.ts';
import { Refusal } from '../base/refusal.ts';
import { resumeEndUser } from '../identity/operations/end-users.ts';
import { deleteUser } from '../identity/operations/end.ts';
import { type Precondition, unmet } from '../identity/operations/precondition.ts';
import { userIdFor } from '../identity/records/end-user.ts';
import { deleteRecord, type IdentityDeps, listRecords, readRecord } from '../identity/operations/records.ts';
import type { UserKey } from '../identity/records/identity.ts';
import type { Database, Queries } from './database.ts';
import { userHash } from './erasures.ts';

export interface EraseDeps extends IdentityDeps {
  database: Database;
  audit: Pick<AuditTrail, 'note'>;
  /** Ends the sessions of a token. */
  endSessions: (parent: { team: string; token: string }) => Promise<unknown>;
  /** The store's clock, which admissions are dated by, ms. */
  storeNowMs: () => Promise<number>;
  /** Resolves when all that was in the store by now is in Postgres. Rejects if that takes too long. */
  drained: () => Promise<void>;
  /** Takes from the store what end users of a team used. */
  forgetEndUsers: (team: string, endUsers: readonly string[]) => Promise<void>;
  /** Takes from the store what Postgres has, and gives the person's sums there the pseudonym. */
  forgetInStore: (person: Person) => Promise<void>;
}

/** An entry of the trail has room for some 1,500 characters of values. */
const maxRangesLength = 1_200;
const rowsPerRead = 1_000;
const entriesPerUpdate = 5_000;

/**
 * Deletes a user, and takes from all records what names them: id, name, address, account, the names of their tokens, the
 * addresses they sent from, and the end users of their sessions. Figures stay under a pseudonym. Erasing again goes on
 * where it stopped. A 404 if there never was such a user. Rejects with `StoreUnavailable`, with part of it done.
 */
export async function eraseUser(
  deps: EraseDeps,
  key: UserKey,
  precondition: Precondition = null,
): Promise<Refusal | null> {
  await deps.drained(); // Nothing is begun while Postgres is away.
  const names = await endUserNames(deps, key, precondition);
  // Before the user goes: if this stops half-way, nobody knows these names any more.
  await forgetEndUsers(deps, key.team, names);
  const refusal = await deleteWithTokens(deps, key, precondition);
  if (refusal !== null && refusal.code !== 'not_found') return refusal;
  // Whatever the user had admitted was admitted before this.
  const endedAtMs = await deps.storeNowMs();
  await deps.drained();
  const person = await personOf(deps.database, key);
  const sequences = await entriesAbout(deps.database, person);
  const isKnown = sequences.length > 0 || (await hasRows(deps.database, person));
  if (refusal !== null && !isKnown) return refusal;
  for (const ranges of inParts(sequences)) {
    const after = { pseudonym: person.pseudonym, erased: ranges };
    await deps.audit.note({
      operation: erasure,
      kind: 'user',
      team: person.team,
      id: person.pseudonym,
      before: null,
      after,
    });
  }
  await deps.drained();
  await deps.database.transaction((queries) => eraseNames(queries, person, endedAtMs));
  await eraseEntries(deps.database, person);
  await deps.forgetInStore(person);
  // Once more: requests were under way.
  await forgetEndUsers(deps, key.team, new Set([key.id, ...names]));
  return null;
}

/**
 * What the person may be called as an end user of the team; nothing if there is no such user, or not in a state to be
 * deleted. The end users of their sessions are other people.
 */
async function endUserNames(
  deps: EraseDeps,
  key: UserKey,
  precondition: Precondition,
): Promise<readonly string[]> {
  const user = await readRecord(deps, key);
  if (user instanceof Refusal || unmet(precondition, user)) return [];
  const { email, subject } = user;
  const names = [key.id];
  if (email !== null) names.push(email);
  if (subject) names.push(userIdFor(subject.issuer, subject.sub));
  return names;
}

/** Under these names nobody is suspended any more, since the team's record would name them, and nothing is counted. */
async function forgetEndUsers(deps: EraseDeps, team: string, names: Iterable<string>): Promise<void> {
  const endUsers = [...names];
  // Ignores a refusal: the team is gone, and its list with it.
  for (const endUser of endUsers) await resumeEndUser(deps, { team, endUser });
  await deps.forgetEndUsers(team, endUsers);
}

async function deleteWithTokens(
  deps: EraseDeps,
  key: UserKey,
  precondition: Precondition,
): Promise<Refusal | null> {
  const tokens = await listRecords(deps, 'token', key.team);
  if (tokens instanceof Refusal) return tokens;
  const refusal = await deleteUser(deps, key, precondition);
  if (refusal !== null && refusal.code !== 'not_found') return refusal;
  for (const { id, user } of tokens) {
    // Ignores a refusal: it is gone by now.
    if (user !== key.id) continue;
    await deleteRecord(deps, { kind: 'token', team: key.team, id });
    await deps.endSessions({ team: key.team, token: id });
  }
  return refusal;
}

async function personOf(database: Queries, { team, id: user }: UserKey): Promise<Person> {
  const tokens = new Set<string>();
  for await (const { text } of auditRows(database, team)) {
    for (const token of tokensIn(text, { team, user })) tokens.add(token);
  }
  return { team, user, tokens, pseudonym: `erased-${randomBytes(6).toString('hex')}` };
}

/** The numbers of entries that name the person. */
async function entriesAbout(database: Queries, person: Person): Promise<number[]> {
  const sequences: number[] = [];
  for await (const { sequence, text } of auditRows(database, person.team, person.tokens)) {
    if (erasedText(text, person) !== null) sequences.push(sequence);
  }
  return sequences;
}

interface AuditRow {
  hash: string;
  sequence: number;
  text: string;
}

/** The entries that may name somebody of a team: its own, imports, and what its tokens' holders did. */
async function* auditRows(
  database: Queries,
  team: string,
  actors: ReadonlySet<string> = new Set(),
): AsyncGenerator<AuditRow> {
  let after: Pick<AuditRow, 'sequence' | 'hash'> = { sequence: 0, hash: '' };
  for (;;) {
    const page = await database.query<AuditRow>(
      `SELECT hash, sequence, text FROM audit_entries
        WHERE (team = $1 OR operation = 'import.write' OR actor = ANY($2)) AND (sequence, hash) > ($3, $4)
        ORDER BY sequence, hash LIMIT ${rowsPerRead}`,
      [team, [...actors], after.sequence, after.hash],
    );
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < rowsPerRead) return;
    after = last;
  }
}

async function hasRows(database: Queries, { team, user }: Person): Promise<boolean> {
  const [found] = await database.query<{ found: boolean }>(
    `SELECT EXISTS (SELECT FROM usage_days WHERE team = $1 AND user_id = $2)
         OR EXISTS (SELECT FROM refusal_days WHERE team = $1 AND user_id = $2)
         OR EXISTS (SELECT FROM entries WHERE team = $1 AND user_id = $2) AS found`,
    [team, user],
  );
  return found?.found ?? false;
}

/** Never beside a drain, which might write the name once more. */
async function eraseNames(queries: Queries, person: Person, endedAtMs: number): Promise<void> {
  const { team, user, pseudonym } = person;
  await queries.query('SELECT FROM drain FOR UPDATE');
  await queries.query(
    `INSERT INTO erasures (team, user_hash, pseudonym, erased_at)
      VALUES ($1, $2, $3, to_timestamp($4::bigint / 1000.0))`,
    [team, userHash(person), pseudonym, endedAtMs],
  );
  for (const table of ['usage_days', 'refusal_days']) {
    await queries.query(`UPDATE ${table} SET user_id = $3 WHERE team = $1 AND user_id = $2`, [
      team,
      user,
      pseudonym,
    ]);
  }
  for await (const row of auditRows(queries, team, person.tokens)) {
    const text = erasedText(row.text, person);
    if (text !== null) {
      await queries.query('UPDATE audit_entries SET text = $2 WHERE hash = $1', [row.hash, text]);
    }
  }
}

/** In parts: somebody's entries of 400 days may be more than a statement has time for. */
async function eraseEntries(database: Queries, { team, user, pseudonym }: Person): Promise<void> {
  let erased: object[];
  do {
    erased = await database.query(
      `UPDATE entries SET user_id = $3, end_user = NULL
        WHERE (admitted_at, id) IN (
          SELECT admitted_at, id FROM entries WHERE team = $1 AND user_id = $2 LIMIT ${entriesPerUpdate})
        RETURNING id`,
      [team, user, pseudonym],
    );
  } while (erased.length === entriesPerUpdate);
}

/** Ranges of numbers, in texts that fit an entry. */
function inParts(sequences: readonly number[]): string[] {
  const parts: string[] = [];
  for (const range of rangesOf(sequences).split(',')) {
    const last = parts.at(-1);
    if (last !== undefined && last.length + range.length < maxRangesLength)
      parts[parts.length - 1] = `${last},${range}`;
    else if (range !== '') parts.push(range);
  }
  return parts;
}
