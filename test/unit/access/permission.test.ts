import { describe, expect, it } from 'vitest';
import { permit, type Need } from '../../../src/access/permission.ts';
import type { Actor, AdministratorRole } from '../../../src/base/actor.ts';

const needs: readonly Need[] = [
  'administer',
  'change-gateway',
  'change-members',
  'read-team',
  'read-lists',
  'read-gateway',
];

function allowed(actor: Actor, teams: readonly string[]): Need[] {
  return needs.filter((need) => permit(actor, need, teams) === null);
}

function administrator(role: AdministratorRole, teams: string[] | null): Actor {
  return { kind: 'administrator', id: 'adm_1', role, teams };
}

describe('permit', () => {
  it('allows root everything, and an admin all but administrators', () => {
    for (const teams of [[], ['acme']]) {
      expect(allowed({ kind: 'root', key: 'current' }, teams)).toEqual(needs);
      expect(allowed(administrator('admin', null), teams)).toEqual(needs.slice(1));
    }
  });

  it('allows an auditor of all teams to read', () => {
    const reading = ['read-team', 'read-lists', 'read-gateway'];
    expect(allowed(administrator('auditor', null), ['acme'])).toEqual(reading);
  });

  it('keeps limited roles to requests that name their teams alone', () => {
    const runner = administrator('team-admin', ['acme', 'beta']);
    const auditor = administrator('auditor', ['acme', 'beta']);
    for (const teams of [['acme'], ['acme', 'beta']]) {
      expect(allowed(runner, teams)).toEqual(['change-members', 'read-team', 'read-lists']);
      expect(allowed(auditor, teams)).toEqual(['read-team', 'read-lists']);
    }
    for (const teams of [['gamma'], ['acme', 'gamma'], ['gamma', 'acme'], [''], ['ACME']]) {
      expect([...allowed(runner, teams), ...allowed(auditor, teams)]).toEqual([]);
    }
  });

  it('refuses a limited role what ought to name a team and does not', () => {
    expect(allowed(administrator('team-admin', ['acme']), [])).toEqual(['read-lists']);
    expect(allowed(administrator('auditor', ['acme']), [])).toEqual(['read-lists']);
  });

  it('allows nothing about teams to a list that is empty', () => {
    expect(allowed(administrator('team-admin', []), ['acme'])).toEqual([]);
    expect(allowed(administrator('auditor', []), [])).toEqual(['read-lists']); // which then are empty
  });
});
