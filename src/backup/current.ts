import { type ArchivedPart, ownerName, type StoredRecord } from '../identity/records/archive.ts';
import type { IdentityArchive } from '../identity/store/identity-archive.ts';
import { gatewayCounterKey } from '../identity/records/gateway-settings.ts';
import type { Problem } from '../base/refusal.ts';
import type { JsonObject } from '../base/request.ts';
import { keyName, type Row } from './document.ts';
import { sections } from './sections.ts';

/** How many teams are read at once: one after the other would be slow on a slow network. */
const teamsAtOnce = 20;

/** The current records of the teams that rows belong to. */
export interface Current {
  /** By key name. */
  records: ReadonlyMap<string, StoredRecord>;
  /** The epoch of each team, when its records were read; '' if there is no such team. */
  epochs: ReadonlyMap<string, string>;
  /** Rows whose secret belongs to another token, each with the problem to report. */
  taken: ReadonlyMap<Row, Problem>;
}

/** Reads the current records, some teams at a time. Rejects with `StoreUnavailable`. */
export async function readCurrent(archive: IdentityArchive, rows: readonly Row[]): Promise<Current> {
  const records = new Map<string, StoredRecord>();
  const epochs = new Map<string, string>();
  const teams = [...new Set(rows.map(({ key }) => key.team))];
  for (let at = 0; at < teams.length; at += teamsAtOnce) {
    const some = teams.slice(at, at + teamsAtOnce);
    const parts = await Promise.all(some.map((team) => partOf(archive, team)));
    for (const [n, team] of some.entries()) {
      const part = parts[n] ?? null;
      if (team !== gatewayCounterKey) epochs.set(team, part?.epoch ?? '');
      for (const [name, record] of part === null ? [] : recordsIn(part)) records.set(name, record);
    }
  }
  return { records, epochs, taken: await takenSecrets(archive, rows) };
}

function partOf(archive: IdentityArchive, team: string): Promise<ArchivedPart | null> {
  return team === gatewayCounterKey ? archive.gateway() : archive.team(team);
}

function recordsIn(found: ArchivedPart): [string, StoredRecord][] {
  return sections.flatMap((section) =>
    section.recordsIn(found).map((record): [string, StoredRecord] => {
      // The texts are this program's own.
      const row = JSON.parse(record.text) as JsonObject;
      return [keyName(section.keyOf(row)), record];
    }),
  );
}

async function takenSecrets(archive: IdentityArchive, rows: readonly Row[]): Promise<Map<Row, Problem>> {
  const bound = rows.flatMap((row) => row.secrets.map((secret, index) => ({ row, secret, index })));
  const owners = await archive.owners(bound.map(({ secret }) => secret));
  const taken = new Map<Row, Problem>();
  for (const [n, { row, index }] of bound.entries()) {
    const owner = owners[n] ?? null;
    if (owner === null || row.key.kind !== 'token' || owner === ownerName(row.key)) continue;
    const param = `${row.path}.secret_hashes.${index}`;
    taken.set(row, { param, message: `${param} is the secret of ${owner} in the store.` });
  }
  return taken;
}
