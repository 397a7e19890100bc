import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readIdentityFile } from '../../../src/backup/identity-file.ts';
import { loadCatalogue } from '../../../src/config/catalogue.ts';
import { loadIssuers } from '../../../src/config/issuers.ts';
import { readTextFile } from '../../../src/config/text-file.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'text-file-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function written(content: string | Uint8Array): string {
  const file = join(folder, 'file.json');
  writeFileSync(file, content);
  return file;
}

const readers: [string, string, (file: string) => Promise<{ ok: boolean; problems?: string[] }>][] = [
  ['MODELS_FILE', '{"models":{}}', async (file) => loadCatalogue(file)],
  ['ISSUERS_FILE', '{"issuers":[]}', async (file) => loadIssuers(file)],
  [
    'IDENTITY_FILE',
    '{"version":1,"exported_at":"2026-01-31T00:00:00Z","store":null,"teams":[],"users":[],"tokens":[]}',
    readIdentityFile,
  ],
];

describe.each(readers)('%s', (name, valid, read) => {
  it('may begin with a byte order mark', async () => {
    const [plain, marked] = [await read(written(valid)), await read(written(`\uFEFF${valid}`))];
    expect(marked.ok).toBe(plain.ok);
    expect(marked.problems).toEqual(plain.problems);
    expect(String(marked.problems)).not.toContain('JSON');
  });

  it.each<[string, Uint8Array]>([
    ['UTF-16 with its mark', Buffer.from('\uFEFF{"models":{}}', 'utf16le')],
    ['big-endian UTF-16', Buffer.from('\uFEFF{"models":{}}', 'utf16le').swap16()],
    ['UTF-16 without a mark', Buffer.from('{"models":{}}', 'utf16le')],
    ['Latin-1', Buffer.from('{"$comment":"caf\u00e9"}', 'latin1')],
    ['half a character', Buffer.concat([Buffer.from(valid), Buffer.from([0xe2, 0x82])])],
  ])('must be UTF-8: %s', async (_encoding, bytes) => {
    const { ok, problems } = await read(written(bytes));
    expect(ok).toBe(false);
    expect(problems).toEqual([expect.stringMatching(new RegExp(`^${name}: must be UTF-8.*\\.$`))]);
  });
});

describe('readTextFile', () => {
  it('says nothing of the path, which may have a secret in it', () => {
    expect(readTextFile('/no/such/canary')).toEqual({ problem: 'expected the path of a readable file' });
    expect(readTextFile(written('12345'), 4)).toEqual({
      problem: 'expected the path of a readable file of at most 4 bytes',
    });
    expect(readTextFile(written(''))).toEqual({ text: '' });
  });
});
