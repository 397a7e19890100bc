import { hash } from 'node:crypto';
import { isRecord, parsedJson } from '../base/request.ts';
import type { ArchivedPart, Provenance, StoredRecord } from '../identity/records/archive.ts';
import { gatewayCounterKey } from '../identity/records/gateway-settings.ts';
import type { Queries } from './database.ts';
import { fitsKey, storable } from './drained-stream.ts';

/** A record as Postgres keeps it. Those of the whole gateway have '@' for a team. */
export interface RecordedIdentity extends StoredRecord {
  readonly kind: 'team' | 'user' | 'token' | 'settings' | 'administrator' | 'price' | 'webhook';
  readonly team: string;
  /** '' for the settings. */
  readonly id: string;
}

/**
 * All records of a part of the store: of a team, or of '@'. One that somebody has altered so that it cannot be read is left
 * out: it must not keep all others from being recorded.
 */
export function recordsOf(owner: string, part: ArchivedPart): RecordedIdentity[] {
  const { team, users, tokens, settings, administrators, prices, webhooks } = part;
  const readable = (kind: RecordedIdentity['kind'], records: readonly StoredRecord[]): RecordedIdentity[] =>
    records.flatMap((record) => {
      const id = idIn(record);
      return id === null ? [] : [{ ...record, kind, team: owner, id }];
    });
  const own = (text: string | null): StoredRecord[] => (text === null ? [] : [withoutSecrets(text)]);
  return [
    ...readable('team', own(team)).filter(({ id }) => id === owner),
    ...readable('user', users.map(withoutSecrets)),
    ...readable('token', tokens),
    ...own(settings).flatMap((record): RecordedIdentity[] =>
      isRecord(parsedJson(record.text)) ? [{ ...record, kind: 'settings', team: owner, id: '' }] : [],
    ),
    ...readable('administrator', administrators),
    ...readable('price', prices.map(withoutSecrets)),
    ...readable('webhook', webhooks.map(withoutSecrets)),
  ];
}

function withoutSecrets(text: string): StoredRecord {
  return { text, secrets: [] };
}

/** Every record but the settings has one. */
function idIn({ text }: StoredRecord): string | null {
  const value = parsedJson(text);
  const id = isRecord(value) ? value['id'] : null;
  return typeof id === 'string' && storable(id) === id && fitsKey([id]) ? id : null;
}

/** Makes the rows of a team (or of '@') those of `records`. Only what differs is sent. */
export async function recordIdentities(
  queries: Queries,
  team: string,
  records: readonly RecordedIdentity[],
): Promise<void> {
  const known = await queries.query<{ kind: string; id: string; digest: string }>(
    `SELECT kind, id, encode(sha256(convert_to(record::text || ' ' || array_to_string(secrets, ' '), 'UTF8')), 'hex') AS digest
     FROM identities WHERE team = $1`,
    [team],
  );
  const digests = new Map(known.map(({ kind, id, digest }) => [`${kind} ${id}`, digest]));
  const byName = new Map(records.map((record) => [nameOf(record), record]));
  const changed = [...byName.values()].filter((record) => digests.get(nameOf(record)) !== digestOf(record));
  for (const record of records) digests.delete(nameOf(record));
  if (digests.size > 0) {
    await queries.query("DELETE FROM identities WHERE team = $1 AND kind || ' ' || id = ANY($2)", [
      team,
      [...digests.keys()],
    ]);
  }
  if (changed.length > 0) await queries.query(upsert, [JSON.stringify(changed)]);
}

/** The texts as they are: `json` keeps them so. */
const upsert = `INSERT INTO identities (kind, team, id, record, secrets)
  SELECT kind, team, id, text::json, ARRAY(SELECT json_array_elements_text(secrets))
  FROM json_to_recordset($1) AS given (kind text, team text, id text, text text, secrets json)
  ON CONFLICT (kind, team, id) DO UPDATE SET record = excluded.record, secrets = excluded.secrets`;

function nameOf({ kind, id }: RecordedIdentity): string {
  return `${kind} ${id}`;
}

function digestOf({ text, secrets }: RecordedIdentity): string {
  return hash('sha256', `${text} ${secrets.join(' ')}`);
}

/** Forgets the teams that are not among `teams`. */
export async function forgetOtherTeams(queries: Queries, teams: readonly string[]): Promise<void> {
  await queries.query('DELETE FROM identities WHERE team <> ALL($1)', [[...teams, gatewayCounterKey]]);
}

export async function recordProvenance(queries: Queries, { store, seen }: Provenance): Promise<void> {
  await queries.query(
    'UPDATE provenance SET name = $1, seen = $2 WHERE name IS DISTINCT FROM $1 OR seen <> $2',
    [store, seen],
  );
}

/** What Postgres knows of who is who. */
export interface RecordedIdentities {
  readonly records: readonly RecordedIdentity[];
  readonly provenance: Provenance;
}

export async function readIdentities(queries: Queries): Promise<RecordedIdentities> {
  const records = await queries.query<RecordedIdentity>(
    'SELECT kind, team, id, record::text AS text, secrets FROM identities',
  );
  const [row] = await queries.query<{ name: string | null; seen: string }>(
    'SELECT name, seen FROM provenance',
  );
  return { records, provenance: { store: row?.name ?? null, seen: row?.seen ?? '' } };
}
