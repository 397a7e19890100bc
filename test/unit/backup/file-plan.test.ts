import { describe, expect, it } from 'vitest';
import type { BackupDocument } from '../../../src/backup/document.ts';
import { keyName } from '../../../src/backup/document.ts';
import { digestOf, digestsIn, planFile, type FilePlan, type Past } from '../../../src/backup/file-plan.ts';
import { readDocument } from '../../../src/backup/read-document.ts';
import type { StoredRecord } from '../../../src/identity/records/archive.ts';
import { Refusal } from '../../../src/base/refusal.ts';
import type { JsonObject } from '../../../src/base/request.ts';
import { documentOf, teamRow, tokenRow, userRow, type Rows } from '../../support/documents.ts';

const nothing: Past = { digests: new Set(), isOrigin: false };

async function documentFrom(rows: Rows = {}, more: JsonObject = {}): Promise<BackupDocument> {
  const read = await readDocument(JSON.stringify(documentOf(rows, more)));
  if (read instanceof Refusal) throw new Error(read.message);
  return read;
}

/** A store that has the rows of a document, less those left out. */
function storeWith({ rows }: BackupDocument, without: string[] = []): ReadonlyMap<string, StoredRecord> {
  const kept = rows.filter(({ key }) => !without.includes(keyName(key)));
  return new Map(
    kept.map(({ key, record, secrets }) => [keyName(key), { text: JSON.stringify(record), secrets }]),
  );
}

function names(rows: FilePlan['created']): string[] {
  return rows.map(({ key }) => keyName(key));
}

describe('a file', () => {
  it('adds everything to a store that knows nothing, and remembers it', async () => {
    const document = await documentFrom();
    const plan = planFile(document, { records: new Map(), taken: new Map() }, nothing);
    expect(names(plan.created)).toEqual(['team/acme', 'user/acme/ana', 'token/acme/tok_1']);
    expect(digestsIn(plan.seen)).toEqual(new Set(document.rows.map(digestOf)));
  });

  it('adds nothing the second time, and does not bring back what was deleted since', async () => {
    const document = await documentFrom();
    const { seen } = planFile(document, { records: new Map(), taken: new Map() }, nothing);
    const past = { digests: digestsIn(seen), isOrigin: false };
    for (const deleted of [[], ['token/acme/tok_1'], ['user/acme/ana', 'token/acme/tok_1']]) {
      const plan = planFile(document, { records: storeWith(document, deleted), taken: new Map() }, past);
      expect(names(plan.created)).toEqual([]);
      expect(plan.seen).toBe(seen);
    }
  });

  it('adds a row that was written into it later', async () => {
    const before = await documentFrom();
    const { seen } = planFile(before, { records: new Map(), taken: new Map() }, nothing);
    const document = await documentFrom({ users: [userRow('ana'), userRow('bob')] });
    const past = { digests: digestsIn(seen), isOrigin: false };
    const plan = planFile(document, { records: storeWith(before), taken: new Map() }, past);
    expect(names(plan.created)).toEqual(['user/acme/bob']);
    expect(plan.seen.startsWith(seen)).toBe(true);
  });

  it('of the store itself adds only what was made after the export', async () => {
    const users = [userRow('ana'), userRow('new', { created_at: '2026-03-01T00:00:00.000Z' })];
    const document = await documentFrom({ users });
    const records = storeWith(document, ['user/acme/ana', 'user/acme/new', 'token/acme/tok_1']);
    const plan = planFile(document, { records, taken: new Map() }, { ...nothing, isOrigin: true });
    expect(names(plan.created)).toEqual(['user/acme/new']);
  });

  it('leaves out what belongs to a team or user that was deleted, and what another token has the secret of', async () => {
    const before = await documentFrom({ teams: [teamRow('acme'), teamRow('beta')] });
    const { seen } = planFile(before, { records: new Map(), taken: new Map() }, nothing);
    const document = await documentFrom({
      teams: [teamRow('acme'), teamRow('beta')],
      tokens: [tokenRow('tok_1'), tokenRow('tok_2')],
      users: [userRow('ana'), userRow('bob', { team: 'beta' })],
    });
    const taken = new Map(
      document.rows.filter(({ path }) => path === 'tokens.1').map((row) => [row, { param: '', message: '' }]),
    );
    const records = storeWith(before, ['team/beta']);
    const plan = planFile(document, { records, taken }, { digests: digestsIn(seen), isOrigin: false });
    expect(names(plan.skipped)).toEqual(['user/beta/bob', 'token/acme/tok_2']);
    expect(names(plan.created)).toEqual([]);
  });

  it('leaves out users with an address or an account that another user of the team has, and their tokens', async () => {
    const before = await documentFrom({ users: [userRow('ana', { email: 'ana@example.com' })] });
    const subject = { issuer: 'https://id.example.com', sub: '1' };
    const document = await documentFrom({
      teams: [teamRow('acme'), teamRow('beta')],
      users: [
        userRow('ana', { email: 'ana@example.com' }),
        userRow('bob', { email: 'ANA@example.com' }),
        userRow('carl', { subject }),
        userRow('dora', { subject }),
        userRow('ana', { email: 'ana@example.com', subject, team: 'beta' }),
      ],
      tokens: [tokenRow('tok_1'), tokenRow('tok_2', { user: 'bob' })],
    });
    const plan = planFile(document, { records: storeWith(before), taken: new Map() }, nothing);
    expect(names(plan.skipped)).toEqual(['user/acme/bob', 'user/acme/dora', 'token/acme/tok_2']);
    expect(names(plan.created)).toEqual(['team/beta', 'user/acme/carl', 'user/beta/ana']);
  });

  it('leaves what the store has changed, but revokes what it says is revoked', async () => {
    const before = await documentFrom({ users: [userRow('ana', { name: 'Ana' })] });
    const document = await documentFrom({
      tokens: [tokenRow('tok_1', { revoked_at: '2026-01-31T13:00:00.000Z' })],
    });
    const plan = planFile(document, { records: storeWith(before), taken: new Map() }, nothing);
    expect(names(plan.revoked)).toEqual(['token/acme/tok_1']);
    expect(plan.changes.filter(({ next }) => next !== null)).toHaveLength(1);
  });

  it('is remembered within bounds, the oldest that it no longer has going first', async () => {
    const document = await documentFrom();
    const digests = new Set(Array.from({ length: 100_000 }, (_, n) => String(n).padStart(12, '0')));
    const plan = planFile(document, { records: new Map(), taken: new Map() }, { digests, isOrigin: false });
    const now = digestsIn(plan.seen);
    expect(now.size).toBe(100_000);
    expect(now.has('000000000002')).toBe(false);
    expect(now.has('000000000003')).toBe(true);
    expect(document.rows.every((row) => now.has(digestOf(row)))).toBe(true);
  });
});
