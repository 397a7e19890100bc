import { describe, expect, it } from 'vitest';
import type { Row } from '../../../src/backup/document.ts';
import { planRow } from '../../../src/backup/plan.ts';
import { readDocument } from '../../../src/backup/read-document.ts';
import type { StoredRecord } from '../../../src/identity/records/archive.ts';
import { Refusal } from '../../../src/base/refusal.ts';
import type { JsonObject } from '../../../src/base/request.ts';
import { documentOf, hashOf, tokenRow } from '../../support/documents.ts';

const earlier = '2026-01-31T13:00:00.000Z';
const later = '2026-01-31T14:00:00.000Z';

async function row(more: JsonObject = {}): Promise<Row> {
  const read = await readDocument(JSON.stringify(documentOf({ tokens: [tokenRow('tok_1', more)] })));
  const found = read instanceof Refusal ? undefined : read.rows[2];
  if (!found) throw new Error('The row is to be right.');
  return found;
}

function stored(more: JsonObject = {}, secrets = [hashOf('tok_1')]): StoredRecord {
  const { secret_hashes: _hashes, ...record } = tokenRow('tok_1', more);
  return { text: JSON.stringify(record), secrets };
}

function recordOf(text: string | undefined): JsonObject {
  return JSON.parse(text ?? '{}') as JsonObject;
}

describe.each([false, true])('a row, overwrite %s', (overwrite) => {
  it('is created where there is none', async () => {
    const { fate, change } = planRow(await row(), null, overwrite);
    expect(fate).toBe('created');
    expect(change.next?.secrets).toEqual([hashOf('tok_1')]);
    expect(recordOf(change.next?.text)).toEqual(recordOf(stored().text));
  });

  it('is left alone where it is the same, whatever the order of fields and what is absent', async () => {
    const { text, secrets } = stored();
    const reversed = JSON.stringify(Object.fromEntries(Object.entries(recordOf(text)).toReversed()));
    for (const same of [text, reversed, text.replace('"name":null,', '')]) {
      expect(planRow(await row(), { text: same, secrets }, overwrite)).toMatchObject({
        fate: 'unchanged',
        change: { next: null },
      });
    }
  });

  it('never brings a revoked token back', async () => {
    const revoked = stored({ revoked_at: later, name: 'x' });
    expect(planRow(await row(), revoked, overwrite)).toMatchObject({ fate: 'kept', change: { next: null } });
    const other = await row({ revoked_at: earlier });
    expect(planRow(other, revoked, overwrite)).toMatchObject({ fate: 'kept', change: { next: null } });
  });

  it('never binds the secret of a token whose user was deleted', async () => {
    expect(planRow(await row(), stored({}, []), overwrite)).toMatchObject({
      fate: 'kept',
      change: { next: null },
    });
  });

  it('revokes what is alive in the store, and says why', async () => {
    const revoked = await row({ revoked_at: earlier, revoked_because: 'leaked' });
    const { fate, change } = planRow(revoked, stored({ name: 'mine' }), overwrite);
    expect(fate).toBe('revoked');
    expect(recordOf(change.next?.text)).toMatchObject({
      revoked_at: earlier,
      revoked_because: 'leaked',
      name: overwrite ? null : 'mine',
    });
  });
});

describe('a row that differs', () => {
  it('leaves the store as it is', async () => {
    const planned = planRow(await row({ name: 'file' }), stored({ name: 'store' }), false);
    expect(planned).toMatchObject({ fate: 'kept', change: { next: null } });
  });

  it('wins with overwrite, its secret too', async () => {
    const found = stored({ name: 'store' }, [hashOf('another')]);
    const { fate, change } = planRow(await row({ name: 'file' }), found, true);
    expect(fate).toBe('overwritten');
    expect(recordOf(change.next?.text)).toMatchObject({ name: 'file' });
    expect(change).toMatchObject({ found, next: { secrets: [hashOf('tok_1')] } });
  });
});
