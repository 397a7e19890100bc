import { hash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { auditedChange } from '../../../src/audit/audited-change.ts';
import { endUserHash } from '../../../src/base/end-user.ts';
import { canaryPath, canarySecret, webhookRecord } from '../../support/webhooks.ts';
import { changeOf } from '../../../src/audit/audit.ts';

const at = { kind: 'token', team: 'acme', id: 'tok_1' } as const;
const changed = (before: object | null, after: object | null): ReturnType<typeof auditedChange> =>
  auditedChange(changeOf(at, before && JSON.stringify(before), after && JSON.stringify(after)));

describe('a change as the trail shows it', () => {
  it('has the fields that changed, and no others', () => {
    const { operation, before, after } = changed(
      { id: 'tok_1', name: 'a', models: null },
      { id: 'tok_1', name: 'b' },
    );
    expect({ operation, before, after }).toEqual({
      operation: 'token.change',
      before: { name: 'a' },
      after: { name: 'b' },
    });
  });

  it('has all of a record that was made or deleted, without what is null', () => {
    expect(changed(null, { id: 'tok_1', name: null })).toMatchObject({
      before: null,
      after: { id: 'tok_1' },
    });
    expect(changed({ id: 'tok_1', name: null }, null)).toMatchObject({
      before: { id: 'tok_1' },
      after: null,
    });
  });

  it('has of a webhook the origin of its address, and says that the rest has changed', () => {
    const [before, after] = [
      webhookRecord(),
      webhookRecord({ url: `https://hooks.example.com${canaryPath}/new` }),
    ];
    const key = { kind: 'webhook', team: null, id: before.id } as const;
    const [old, next] = [JSON.stringify(before), JSON.stringify(after)];
    const url = 'https://hooks.example.com';
    expect(auditedChange(changeOf(key, old, next))).toMatchObject({ before: { url }, after: { url } });
    const rotated = JSON.stringify({ ...before, secrets: [{ text: canarySecret.replace('C', 'D') }] });
    expect(auditedChange(changeOf(key, old, rotated))).toMatchObject({ after: { secrets: [{}] } });
    const created = auditedChange(changeOf(key, null, old));
    expect(created).toMatchObject({ operation: 'webhook.create', after: { url, secrets: [{}] } });
    const imported = auditedChange({
      ...changeOf({ kind: 'import', team: null, id: null }, null, null),
      records: [changeOf(key, old, next)],
    });
    for (const entry of [created, imported, auditedChange(changeOf(key, old, null))]) {
      expect(JSON.stringify(entry)).not.toMatch(/canary/i);
    }
  });

  it('names end users who are suspended or resumed by their hashes, and nobody else', () => {
    const team = (...names: string[]): object => ({
      id: 'acme',
      suspended_end_users: names.map((end_user) => ({ end_user, suspended_at: '2026-01-01T00:00:00.000Z' })),
    });
    const ofTeam = (before: object, after: object): ReturnType<typeof auditedChange> =>
      auditedChange(
        changeOf({ kind: 'team', team: 'acme', id: 'acme' }, JSON.stringify(before), JSON.stringify(after)),
      );
    const hashed = { end_user: endUserHash('acme', 'bo'), suspended_at: '2026-01-01T00:00:00.000Z' };
    expect(ofTeam(team('ana'), team('ana', 'bo'))).toMatchObject({
      operation: 'team.suspend_end_user',
      before: { suspended_end_users: null },
      after: { suspended_end_users: [hashed] },
    });
    expect(ofTeam(team('ana', 'bo'), team('ana'))).toMatchObject({
      operation: 'team.resume_end_user',
      before: { suspended_end_users: [hashed] },
      after: { suspended_end_users: null },
    });
  });

  it('has a digest and the length of what is long, and the rest as it is', () => {
    const models = Array.from({ length: 64 }, (_, n) => `model-${n}-${'x'.repeat(50)}`);
    const { before, after } = changed({ name: 'a', models: null }, { name: 'b', models });
    const text = JSON.stringify(models);
    expect(before).toEqual({ name: 'a', models: null });
    expect(after).toEqual({ name: 'b', models: { sha256: hash('sha256', text), length: text.length } });
  });

  it('takes no more than two kilobytes, whatever is in the record', () => {
    const long = Object.fromEntries(Array.from({ length: 12 }, (_, n) => [`field-${n}`, 'x'.repeat(600)]));
    expect(JSON.stringify(changed(null, long)).length).toBeLessThan(2_048);
    expect(JSON.stringify(changed(long, { a: 1 })).length).toBeLessThan(2_048);
  });

  it('names a rotation by the prefixes, without a hash', () => {
    const next = { prefix: 'tgk_B', secrets: [{ hash: 'a-hash', prefix: 'tgk_B', expires_at: null }] };
    const shown = changed({ prefix: 'tgk_A' }, next);
    expect(shown.operation).toBe('token.rotate');
    expect(shown.after).toEqual({ prefix: 'tgk_B', secrets: [{ prefix: 'tgk_B', expires_at: null }] });
  });

  it('tells of a record that cannot be read', () => {
    const shown = auditedChange(changeOf(at, 'not JSON', null));
    expect(shown).toMatchObject({ operation: 'token.delete', before: { unreadable: true } });
  });

  it('tells of an import all it wrote, up to a size; of the rest how much, and a digest', () => {
    const records = Array.from({ length: 1_000 }, (_, n) =>
      changeOf({ ...at, id: `tok_${n}` }, null, JSON.stringify({ id: `tok_${n}`, user: 'ana' })),
    );
    const place = { kind: 'import', team: null, id: null, before: null, after: null } as const;
    const small = auditedChange({ ...place, records: records.slice(0, 2) });
    expect(small.after).toMatchObject({ written: 2, records: [{ id: 'tok_0' }, { id: 'tok_1' }] });
    expect(small.after).not.toHaveProperty('digest');
    const large = auditedChange({ ...place, records });
    expect(large.after).toMatchObject({ written: 1_000, digest: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(JSON.stringify(large).length).toBeLessThan(17_000);
    const other = auditedChange({
      ...place,
      records: records.with(999, records[0] ?? small),
    });
    expect(other.after?.['digest']).not.toBe(large.after?.['digest']);
  });
});
