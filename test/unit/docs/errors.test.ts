import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { errorTable } from '../../../src/base/refusal.ts';

const page = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8');
const rows = [...page.matchAll(/^\| `(\w+)` \| (\d+) \| (\w+) \|/gm)].map(([, code, status, type]) => ({
  code,
  status: Number(status),
  type,
}));

describe('docs/errors.md', () => {
  it('lists the codes of the error table, with their status and type, and no others', () => {
    const table = Object.entries(errorTable).map(([code, { status, type }]) => ({ code, status, type }));
    expect(rows).toEqual(table);
  });
});
