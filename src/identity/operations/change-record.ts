import type { IdentityStore, RecordKey, Team, Token, User } from '../records/identity.ts';
import { Refusal } from '../../base/refusal.ts';
import { type Precondition, unmet } from './precondition.ts';

export const maxAttempts = 20;

interface Records {
  team: Team;
  user: User;
  token: Token;
}

/** Where a user or a token is. */
export interface Place {
  team: string;
  id: string;
}
type RecordOf<K extends RecordKey> = Records[K['kind']];

/** The record a text of the store holds; the texts are this folder's own, written as these types. */
export function parseRecord<K extends RecordKey['kind']>(_kind: K, text: string): Records[K] {
  return JSON.parse(text) as Records[K];
}

/**
 * Reads a record, changes it, and writes it back if nobody else did meanwhile; else again from the reading,
 * so that of two changes at once neither is lost. A change that changes nothing is not written. Where a precondition is
 * given, what is changed is a record that meets it: 412 otherwise.
 */
export async function changeRecord<K extends RecordKey>(
  identities: IdentityStore,
  key: K,
  change: (record: RecordOf<K>) => RecordOf<K> | Refusal,
  precondition: Precondition = null,
): Promise<RecordOf<K> | Refusal> {
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    const text = await identities.read(key);
    if (text === null) return notFound(key);
    const record = parseRecord<K['kind']>(key.kind, text);
    const next = unmet(precondition, record) ?? change(record);
    if (next instanceof Refusal) return next;
    const nextText = JSON.stringify(next);
    if (nextText === text || (await identities.replace(key, text, nextText)) === 'replaced') return next;
  }
  return tooManyChanges(key);
}

/** Deletes a record in whatever state it is; with a precondition, in one that meets it. */
export async function deleteRecord(
  identities: IdentityStore,
  key: RecordKey,
  precondition: Precondition = null,
): Promise<Refusal | null> {
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    const text = await identities.read(key);
    if (text === null) return notFound(key);
    const refusal = unmet(precondition, parseRecord(key.kind, text));
    if (refusal) return refusal;
    if ((await identities.replace(key, text, null)) === 'replaced') return null;
  }
  return tooManyChanges(key);
}

/** The record under a key, or a 404. */
export async function readRecord<K extends RecordKey>(
  identities: IdentityStore,
  key: K,
): Promise<RecordOf<K> | Refusal> {
  const text = await identities.read(key);
  return text === null ? notFound(key) : parseRecord<K['kind']>(key.kind, text);
}

/** All records of a kind in a team, or a 404 where there is no such team. */
export async function listRecords<K extends 'user' | 'token'>(
  identities: IdentityStore,
  kind: K,
  team: string,
): Promise<Records[K][] | Refusal> {
  const [owner, texts] = await Promise.all([
    identities.read({ kind: 'team', team }),
    identities.list(kind, team),
  ]);
  return owner === null ? notFound({ kind: 'team', team }) : texts.map((text) => parseRecord(kind, text));
}

/** The fields a change names; those left out stay as they are. */
export function given<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

/** The 404 of a record; `param` where a field of the body named it. */
export function notFound(key: RecordKey, param?: string): Refusal {
  const what = key.kind === 'team' ? `team ${key.team}` : `${key.kind} ${key.id} in the team ${key.team}`;
  return new Refusal('not_found', `There is no ${what}.`, { param });
}

/** The 503 of a record that others change faster than it can be read. */
export function tooManyChanges(key: RecordKey): Refusal {
  const message = `This ${key.kind} is being changed by others at this moment. Try again.`;
  return new Refusal('overloaded', message, { headers: { 'retry-after': '1' } });
}
