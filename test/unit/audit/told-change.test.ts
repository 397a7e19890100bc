import { describe, expect, it } from 'vitest';
import type { GatewayEvent } from '../../../src/base/event.ts';
import type { JsonObject } from '../../../src/base/request.ts';
import type { Change } from '../../../src/audit/audit.ts';
import { auditedChange } from '../../../src/audit/audited-change.ts';
import type { AuditContext } from '../../../src/audit/context.ts';
import { toldChange } from '../../../src/audit/told-change.ts';
import { expectEvent } from '../../support/expect-event.ts';

const root: AuditContext = { actor: 'root', address: '203.0.113.9', requestId: 'r1' };
const leak: AuditContext = { ...root, actor: 'leak-report', reportedUrl: 'https://github.com/a/b' };
const secret = 'canary-of-a-secret';
const token = {
  id: 'tok_1',
  team: 'acme',
  user: 'ana',
  name: 'CI',
  prefix: `tgk_${secret}`,
  secrets: [{ hash: secret, prefix: `tgk_${secret}`, expires_at: null }],
  revoked_at: null,
};
const revoked = { ...token, revoked_at: '2026-01-01T00:00:00.000Z' };
const ofToken = { token: 'tok_1', user: 'ana', name: 'CI' };
const admin = { id: 'adm_1', name: 'Ops', role: 'team-admin', teams: ['acme'], prefix: `tga_${secret}` };

/** What a change is told by; checked with the table. */
function told(
  before: JsonObject | null,
  after: JsonObject | null,
  { of = {}, by = root }: { of?: Partial<Change>; by?: AuditContext } = {},
): GatewayEvent | null {
  const change: Change = { kind: 'token', team: 'acme', id: 'tok_1', before, after, ...of };
  const event = toldChange(change, auditedChange(change).operation, by);
  if (event === null) return null;
  expect(JSON.stringify(event)).not.toContain(secret);
  expectEvent(event);
  return event;
}

const ofAdmin: Partial<Change> = { kind: 'administrator', team: null, id: 'adm_1' };
const ofUser: Partial<Change> = { kind: 'user', id: 'ana' };

describe('a change is told', () => {
  it('if a token has a new secret, whoever rotated it', () => {
    const rotated = { ...token, prefix: 'tgk_BBBB' };
    expect(told(token, rotated, { by: { ...root, actor: 'tok_1' } })).toEqual({
      type: 'token.rotated',
      team: 'acme',
      data: { ...ofToken, actor: 'tok_1' },
    });
  });

  it('if a token is revoked, with why', () => {
    const event = { type: 'token.revoked', team: 'acme', data: { ...ofToken, actor: 'root', because: null } };
    expect(told(token, revoked)).toEqual(event);
    expect(told(token, { ...revoked, revoked_because: 'leaked' })).toEqual({
      ...event,
      data: { ...event.data, because: 'leaked' },
    });
    const { name: _, ...nameless } = revoked;
    expect(told({ ...nameless, revoked_at: null }, nameless)?.data).toMatchObject({ name: null });
  });

  it('as a leak, if somebody reported it: the token, an older secret of it, or an administrator', () => {
    const data = { token: 'tok_1', user: 'ana', name: 'CI', reported_url: 'https://github.com/a/b' };
    const leaked = { type: 'token.leaked', team: 'acme', data };
    expect(told(token, { ...revoked, revoked_because: 'leaked' }, { by: leak })).toEqual(leaked);
    const ended = { ...token, secrets: [{ ...token.secrets[0], expires_at: '2026-01-01T00:00:00.000Z' }] };
    expect(told(token, ended, { by: leak })).toEqual(leaked);
    expect(told(admin, null, { of: ofAdmin, by: leak })).toEqual({
      type: 'token.leaked',
      team: null,
      data: { ...data, token: 'adm_1', user: null, name: 'Ops' },
    });
  });

  it('if there is a new administrator', () => {
    const data = { admin: 'adm_1', name: 'Ops', role: 'team-admin', teams: ['acme'], actor: 'root' };
    expect(told(null, admin, { of: ofAdmin })).toEqual({ type: 'admin.created', team: null, data });
    expect(told(null, { ...admin, teams: null, name: null }, { of: ofAdmin })?.data).toEqual({
      ...data,
      teams: null,
      name: null,
    });
  });

  it('if a user is made by a sign-in, and by nobody else', () => {
    const user = { id: 'ana', team: 'acme', email: secret };
    expect(told(null, user, { of: ofUser, by: { ...root, actor: 'sign-in' } })).toEqual({
      type: 'signin.provisioned',
      team: 'acme',
      data: { user: 'ana' },
    });
    expect(told(null, user, { of: ofUser })).toBeNull();
  });

  it('not otherwise', () => {
    expect(told(null, token)).toBeNull();
    expect(told(token, { ...token, name: 'Another' })).toBeNull();
    expect(told(token, null)).toBeNull();
    expect(told(admin, null, { of: ofAdmin })).toBeNull();
    expect(told({ id: 'ana' }, null, { of: ofUser })).toBeNull();
    expect(told({ id: 'acme' }, null, { of: { kind: 'team', id: 'acme' } })).toBeNull();
    const session: Partial<Change> = { kind: 'session', operation: 'session.end', id: 'ses_1' };
    expect(told({ token: 'tok_1' }, null, { of: session, by: leak })).toBeNull();
    const imported: Change = { kind: 'token', team: 'acme', id: 'tok_1', before: token, after: revoked };
    expect(
      told(null, null, { of: { kind: 'import', team: null, id: null, records: [imported] } }),
    ).toBeNull();
  });
});
