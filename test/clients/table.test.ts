import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { endpointPaths } from '../../src/validation/registry.ts';
import { allUses } from './support/client.ts';
import { clients, tableOfUses } from './support/table.ts';

const page = readFileSync(new URL('../../docs/clients.md', import.meta.url), 'utf8');

describe('the table of endpoints and clients', () => {
  it('in docs/clients.md is what the tests run', () => {
    expect(page).toContain(tableOfUses());
  });

  it('has every endpoint, each used by somebody', () => {
    const paths = allUses.map((use) => use.split(' ')[1]);
    expect(paths).toEqual(expect.arrayContaining([...endpointPaths]));
    for (const use of allUses) expect(clients.some(({ uses }) => uses[use] !== undefined)).toBe(true);
  });

  it('has every client but curl from its package', () => {
    const { devDependencies } = JSON.parse(
      readFileSync(new URL('package.json', import.meta.url), 'utf8'),
    ) as { devDependencies: Record<string, string> };
    for (const { name } of clients) if (name !== 'curl') expect(devDependencies).toHaveProperty([name]);
  });
});
