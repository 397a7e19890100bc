import { beforeEach, describe, expect, it } from 'vitest';
import { hashToken, inspectToken } from '../../../src/identity/records/token-text.ts';
import { Refusal } from '../../../src/base/refusal.ts';
import type { JsonObject } from '../../../src/base/request.ts';
import { identityBehind } from '../../support/identity-behind.ts';
import { type Answer, errorOf, Harness, problemsOf, startMs } from './harness.ts';

const tokens = '/admin/teams/acme/tokens';
const created_at = '2026-02-03T12:30:00.000Z';
let admin: Harness;

beforeEach(async () => {
  admin = new Harness();
  await admin.seed();
});

const rotate = (id: string, body?: unknown): Promise<Answer> =>
  admin.call('POST', `${tokens}/${id}/rotate`, body);
const shown = async (id: string): Promise<JsonObject> => (await admin.call('GET', `${tokens}/${id}`)).body;
const codeIn = (url: unknown): string => String(url).split('/').at(-1) ?? '';

describe('POST /admin/teams/:team/tokens/:id/rotate', () => {
  it('200 with a new text under the same id, everything else as it was', async () => {
    const { id, text } = await admin.issue({ name: 'laptop', models: ['m'], expires_in: 1_000_000 });
    const before = await shown(id);
    admin.nowMs += 60_000;
    const { status, body } = await rotate(id);
    expect(status).toBe(200);
    const { token, ...rest } = body as { token: string };
    expect(inspectToken(token)).toEqual({ ok: true, kind: 'user' });
    expect(token).not.toBe(text);
    const prefix = token.slice(0, 12);
    expect(rest).toEqual({
      ...before,
      prefix,
      secrets: [
        { prefix, created_at: '2026-02-03T12:31:00.000Z', expires_at: null, last_used_at: null },
        {
          prefix: text.slice(0, 12),
          created_at,
          expires_at: '2026-02-04T12:31:00.000Z',
          last_used_at: null,
        },
      ],
    });
    expect(await shown(id)).toEqual(rest);
    for (const each of [text, token]) {
      expect((await identityBehind(admin.identities, hashToken(each)))?.token.id).toBe(id);
    }
  });

  it.each([
    ['nothing', undefined, 86_400],
    ['an empty object', {}, 86_400],
    ['null', { overlap_seconds: null }, 86_400],
    ['no overlap', { overlap_seconds: 0 }, 0],
    ['the longest', { overlap_seconds: 2_592_000 }, 2_592_000],
  ])('200 for %s', async (_, body, seconds) => {
    const { id } = await admin.issue();
    const { body: rotated } = await rotate(id, body);
    const [, old] = rotated['secrets'] as JsonObject[];
    expect(old?.['expires_at']).toBe(new Date(startMs + 1_000 * seconds).toISOString());
  });

  it('200 again during an overlap: the oldest is shown no more', async () => {
    const { id } = await admin.issue();
    const second = (await rotate(id)).body['prefix'];
    const third = (await rotate(id)).body;
    expect((third['secrets'] as JsonObject[]).map(({ prefix }) => prefix)).toEqual([third['prefix'], second]);
  });

  it('200 with the last use of each secret', async () => {
    const { id, text } = await admin.issue();
    const { prefix } = (await rotate(id)).body as { prefix: string };
    const use = { team: 'acme', token: id, atMs: startMs + 1 };
    await admin.secrets.noteUses([{ ...use, prefix: text.slice(0, 12) }]);
    const lastUsed = async (): Promise<unknown[]> =>
      ((await shown(id))['secrets'] as JsonObject[]).map((secret) => secret['last_used_at']);
    expect(await lastUsed()).toEqual([null, '2026-02-03T12:30:00.001Z']);
    await admin.secrets.noteUses([{ ...use, prefix, atMs: startMs + 5 }]);
    expect(await lastUsed()).toEqual(['2026-02-03T12:30:00.005Z', '2026-02-03T12:30:00.001Z']);
    const [listed] = (await admin.call('GET', tokens)).body['data'] as JsonObject[];
    expect(listed).toEqual(await shown(id));
    expect((await admin.call('PATCH', `${tokens}/${id}`, { name: 'x' })).body).toEqual(await shown(id));
  });

  it('never shows a hash', async () => {
    const { id, text } = await admin.issue();
    const rotated = await rotate(id);
    const told = JSON.stringify([rotated.body, await shown(id), (await admin.call('GET', tokens)).body]);
    for (const each of [text, rotated.body['token'] as string]) expect(told).not.toContain(hashToken(each));
  });

  it('moves the epoch', async () => {
    const { id } = await admin.issue();
    const before = await admin.epoch('acme');
    await rotate(id);
    expect(await admin.epoch('acme')).not.toBe(before);
  });

  it.each([
    [{ overlap_seconds: -1 }, ['overlap_seconds']],
    [{ overlap_seconds: 2_592_001 }, ['overlap_seconds']],
    [{ overlap_seconds: 1.5 }, ['overlap_seconds']],
    [{ overlap_seconds: '60' }, ['overlap_seconds']],
    [{ claim: 'yes' }, ['claim']],
    [{ overlap: 5, expires_in: 5 }, ['overlap', 'expires_in']],
  ])('400 for %j, and nothing is rotated', async (body, problems) => {
    const { id } = await admin.issue();
    const answer = await rotate(id, body);
    expect([answer.status, problemsOf(answer)]).toEqual([400, problems]);
    expect((await shown(id))['secrets']).toHaveLength(1);
  });

  it('400 for what is no JSON', async () => {
    const { id } = await admin.issue();
    expect(errorOf(await rotate(id, '{'))['code']).toBe('invalid_json');
  });

  it('404 for a token there is not, or of another team', async () => {
    const { id } = await admin.issue();
    await admin.call('POST', '/admin/teams', { id: 'beta' });
    expect((await rotate('tok_none')).status).toBe(404);
    expect((await admin.call('POST', `/admin/teams/beta/tokens/${id}/rotate`)).status).toBe(404);
  });

  it('405 for other methods, and 401 without the key', async () => {
    const { id } = await admin.issue();
    expect((await admin.call('GET', `${tokens}/${id}/rotate`)).status).toBe(405);
    const headers = { authorization: 'Bearer x' };
    expect((await admin.call('POST', `${tokens}/${id}/rotate`, {}, headers)).status).toBe(401);
  });

  it('412 for one that is revoked, expired, or dead with its user', async () => {
    const revoked = await admin.issue();
    await admin.call('DELETE', `${tokens}/${revoked.id}`);
    expect(errorOf(await rotate(revoked.id))['message']).toMatch(/was revoked/);
    const expired = await admin.issue({ expires_in: 60 });
    admin.nowMs += 60_000;
    const answer = await rotate(expired.id);
    expect([answer.status, errorOf(answer)['code']]).toEqual([412, 'precondition_failed']);
    expect(errorOf(answer)['message']).toMatch(/expired at/);

    const orphan = await admin.issue();
    const ana = { kind: 'user', team: 'acme', id: 'ana' } as const;
    await admin.identities.replace(ana, (await admin.identities.read(ana)) ?? '', null);
    expect(errorOf(await rotate(orphan.id))['message']).toMatch(/ended with its user ana/);
  });

  it('412 for one of a sign-in, whose secret nobody holds', async () => {
    const { id } = await admin.issue();
    const key = { kind: 'token', team: 'acme', id } as const;
    const text = (await admin.identities.read(key)) ?? '';
    const record = JSON.stringify({ ...(JSON.parse(text) as JsonObject), prefix: '' });
    await admin.identities.replace(key, text, record);
    expect(errorOf(await rotate(id))['message']).toMatch(/belongs to a sign-in/);
    expect((await shown(id))['secrets']).toEqual([]);
  });

  it('200 for both of two at once, one after the other', async () => {
    const { id } = await admin.issue();
    const [a, b] = await Promise.all([rotate(id), rotate(id)]);
    expect([a.status, b.status]).toEqual([200, 200]);
    const prefixes = ((await shown(id))['secrets'] as JsonObject[]).map(({ prefix }) => prefix);
    expect(new Set(prefixes)).toEqual(new Set([a.body['prefix'], b.body['prefix']]));
  });
});

describe('claim: true', () => {
  it('gives a link instead of the token, when issuing and when rotating', async () => {
    const headers = { host: 'gateway.example.com' };
    const issued = await admin.call('POST', tokens, { user: 'ana', claim: true }, headers);
    expect(issued.status).toBe(201);
    const id = issued.body['id'] as string;
    const rotated = await admin.call('POST', `${tokens}/${id}/rotate`, { claim: true }, headers);
    expect(rotated.status).toBe(200);
    for (const { body } of [issued, rotated]) {
      expect(body).not.toHaveProperty('token');
      expect(body).not.toHaveProperty('claim');
      expect(body['claim_url']).toMatch(/^https:\/\/gateway\.example\.com\/claim\/[0-9a-f]{40}$/);
      expect(body['claim_expires_at']).toBe('2026-02-03T13:30:00.000Z');
      const claimed = await admin.claims.open(codeIn(body['claim_url']));
      if (claimed instanceof Refusal) throw new Error(claimed.message);
      expect(claimed).toMatchObject({ id, team: 'acme', user: 'ana' });
      expect(claimed.token.slice(0, 12)).toBe(body['prefix']);
      expect((await identityBehind(admin.identities, hashToken(claimed.token)))?.token.id).toBe(id);
    }
  });

  it('tells of each secret when its link was made, and when it was opened; neither is a use', async () => {
    const { body } = await admin.call('POST', tokens, { user: 'ana', claim: true });
    const path = `${tokens}/${body['id'] as string}`;
    const secretIn = async (): Promise<unknown> => {
      const { body: token } = await admin.call('GET', path);
      return (token['secrets'] as object[])[0];
    };
    const time = expect.stringMatching(/^\d{4}-/) as string;
    expect(await secretIn()).toMatchObject({ link_made_at: time, link_opened_at: null, last_used_at: null });
    await admin.claims.open(codeIn(body['claim_url']));
    expect(await secretIn()).toMatchObject({ link_made_at: time, link_opened_at: time, last_used_at: null });
    const found = await admin.call('GET', '/admin/tokens?team=acme');
    const listed = found.body['data'] as { id: string; last_used_at: string | null }[];
    expect(listed.find(({ id }) => id === body['id'])).toMatchObject({ last_used_at: null });
    const asText = await admin.call('POST', tokens, { user: 'ana' });
    const told = await admin.call('GET', `${tokens}/${asText.body['id'] as string}`);
    expect((told.body['secrets'] as object[])[0]).not.toHaveProperty('link_made_at');
  });

  it('gives a path where nobody was asked over HTTP', async () => {
    const { body } = await admin.call('POST', tokens, { user: 'ana', claim: true });
    expect(body['claim_url']).toMatch(/^\/claim\/[0-9a-f]{40}$/);
  });

  it('is refused where it is neither true nor false; false and null mean the token itself', async () => {
    const answer = await admin.call('POST', tokens, { user: 'ana', claim: 1 });
    expect([answer.status, problemsOf(answer)]).toEqual([400, ['claim']]);
    for (const claim of [false, null]) {
      expect((await admin.call('POST', tokens, { user: 'ana', claim })).body).toHaveProperty('token');
    }
    const { id } = await admin.issue();
    expect((await admin.call('PATCH', `${tokens}/${id}`, { claim: true })).status).toBe(400);
  });

  it('gives no link where no token was made', async () => {
    const answer = await admin.call('POST', tokens, { user: 'bob', claim: true });
    expect([answer.status, answer.body['claim_url']]).toEqual([404, undefined]);
  });
});
