import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { adminRoutes } from '../../../src/admin/admin-app.ts';
import { permit, type Need } from '../../../src/access/permission.ts';
import type { Actor, AdministratorRole } from '../../../src/base/actor.ts';
import { metricsNeed } from '../../../src/operations/routes.ts';
import { Harness } from '../../integration/admin/harness.ts';

const page = readFileSync(new URL('../../../docs/roles.md', import.meta.url), 'utf8');

function administrator(role: AdministratorRole, teams: string[] | null): Actor {
  return { kind: 'administrator', id: 'adm_1', role, teams };
}

/** The columns of the table, in their order. */
const actors: readonly Actor[] = [
  { kind: 'root', key: 'current' },
  administrator('admin', null),
  administrator('team-admin', ['own']),
  administrator('auditor', null),
  administrator('auditor', ['own']),
];

function cell(actor: Actor, need: Need): string {
  if (permit(actor, need, ['own']) !== null) return 'no';
  return permit(actor, need, ['other']) === null ? 'yes' : 'its teams';
}

function row(operation: string, need: Need): string {
  return `| \`${operation}\` | ${actors.map((actor) => cell(actor, need)).join(' | ')} |`;
}

describe('docs/roles.md', () => {
  it('has a row for every operation, in the order of the API, and says who may do it', () => {
    const operations = adminRoutes(new Harness().deps()).flatMap(({ path, methods }) =>
      Object.entries(methods).map(([method, { needs }]) =>
        row(`${method} ${path.replace('{.+}', '')}`, needs),
      ),
    );
    const rows = page.split('\n').filter((line) => /^\| `[A-Z]+ \//.test(line));
    expect(rows).toEqual([...operations, row('GET /metrics', metricsNeed)]);
  });
});
