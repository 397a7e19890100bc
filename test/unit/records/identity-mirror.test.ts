import { describe, expect, it } from 'vitest';
import { auditedChange } from '../../../src/audit/audited-change.ts';
import { type Change, changeOf } from '../../../src/audit/audit.ts';
import { linkOf, noHead } from '../../../src/audit/chain.ts';
import { touchedBy } from '../../../src/records/identity-mirror.ts';

const context = { actor: 'root', address: null, requestId: null };

function textOf(change: Change): string {
  return linkOf(noHead, { change: auditedChange(change), context, nowMs: 0 }).text;
}

const of = (kind: Change['kind'], team: string | null, id: string | null): Change =>
  changeOf({ kind, team, id }, null, '{"id":"x"}');

describe('what an entry of the audit trail has touched', () => {
  it.each<[string, Change, string[]]>([
    ['a team', of('team', 'acme', 'acme'), ['acme']],
    ['a user', of('user', 'acme', 'ana'), ['acme']],
    ['a token', of('token', 'acme', 'tok_1'), ['acme']],
    ['the settings', of('settings', null, null), ['@']],
    ['an administrator', of('administrator', null, 'adm_1'), ['@']],
    ['a price', of('price', null, 'a/model'), ['@']],
    ['a webhook of a team', of('webhook', 'acme', 'wh_1'), ['@']],
    [
      'a team that is deleted with its webhooks',
      changeOf({ kind: 'team', team: 'acme', id: 'acme' }, '{"id":"acme"}', null),
      ['acme', '@'],
    ],
    ['a claim link', of('claim', 'acme', 'tok_1'), []],
    ['a session', of('session', 'acme', 'ses_1'), []],
  ])('is of %s', (_, change, touched) => {
    expect(touchedBy([textOf(change)])).toEqual(new Set(touched));
  });

  it('is each team of an import, or all if it does not list them all', () => {
    const some = [of('team', 'acme', 'acme'), of('user', 'beta', 'bob'), of('settings', null, null)];
    const importOf = (records: Change[]): Change => ({ ...of('import', null, null), records });
    expect(touchedBy([textOf(importOf(some))])).toEqual(new Set(['acme', 'beta', '@']));
    const many = Array.from({ length: 1_000 }, (_, n) => of('user', 'acme', `user-${n}`));
    expect(touchedBy([textOf(importOf(many))])).toBe('all');
  });

  it('is all if somebody altered an entry', () => {
    expect(touchedBy([textOf(of('team', 'acme', 'acme')), '{'])).toBe('all');
    expect(touchedBy([])).toEqual(new Set());
  });
});
