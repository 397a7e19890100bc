import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as allOf } from 'node:stream/consumers';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { run } from '../../../src/cli/run.ts';
import type { JsonObject } from '../../../src/base/request.ts';
import { keysUnder } from '../../../src/store/keys.ts';
import { startGateway, type TestGateway } from '../../support/gateway.ts';
import { spawnTollgate } from '../../support/command-line.ts';
import { post } from '../../support/gateway-client.ts';
import { type OidcIssuer, startIssuer } from '../../support/oidc-issuer.ts';
import { sharedRedis, type SharedRedis } from '../../support/redis-server.ts';
import { trustedIssuer } from '../../unit/sign-in/trusted.ts';

/* The trail of a real gateway on a real Redis: who stands in it, and whether tampering with it is found. */

const { audit: key } = keysUnder('tollgate:');
const from = { 'x-forwarded-for': '198.51.100.7, 203.0.113.9' };

let redis: SharedRedis;
let provider: OidcIssuer;
let gateway: TestGateway;
let directory: string;

beforeAll(async () => {
  redis = await sharedRedis();
  provider = await startIssuer();
  directory = await mkdtemp(join(tmpdir(), 'tollgate-audit-'));
});
beforeEach(async () => {
  await redis.flush();
  const team = { kind: 'fixed', team: 'acme' } as const;
  const issuer = trustedIssuer({ issuer: provider.url, audiences: ['the-app'], users: 'create', team });
  gateway = await startGateway({ redis, issuers: [issuer], env: { DYNO: 'web.1' } });
  return () => gateway.close();
});
afterAll(async () => {
  await provider.close();
  await rm(directory, { recursive: true });
});

async function trail(query = ''): Promise<JsonObject[]> {
  const { body } = await gateway.admin('GET', `/admin/audit?limit=1000${query}`);
  return body['data'] as JsonObject[];
}

const ways = {
  'over HTTP': (): NodeJS.ProcessEnv => ({ TOLLGATE_URL: gateway.url, ADMIN_KEY: gateway.adminKey }),
  'on Redis': (): NodeJS.ProcessEnv => ({ REDIS_URL: redis.url }),
};

async function tollgate(
  line: string,
  way: keyof typeof ways = 'on Redis',
): Promise<{ code: number; out: string; err: string }> {
  const written = { out: [] as string[], err: [] as string[] };
  const code = await run(line.split(' '), ways[way](), {
    out: (text) => written.out.push(text),
    err: (text) => written.err.push(text),
  });
  return { code, out: written.out.join('\n'), err: written.err.join('\n') };
}

describe('who stands in the trail', () => {
  it('holders by the id of the token they rotate, with their address', async () => {
    const token = await gateway.issue();
    const headers = { ...from, 'x-request-id': 'request-id-0123456789' };
    expect((await post(`${gateway.url}/v1/me/rotate`, '', { token: token.text, headers })).status).toBe(200);
    expect((await trail())[0]).toMatchObject({
      actor: token.id,
      address: '203.0.113.9',
      request_id: 'request-id-0123456789',
      operation: 'token.rotate',
      team: token.team,
      id: token.id,
    });
  });

  it('sign-ins, for the user and the token they make', async () => {
    await gateway.admin('POST', '/admin/teams', { id: 'acme' });
    const form = new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: await provider.sign({ aud: 'the-app', sub: 'somebody' }),
      subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
    });
    const reply = await fetch(`${gateway.url}/oauth/token`, { method: 'POST', body: form, headers: from });
    expect(reply.status).toBe(200);
    const { access_token: session } = (await reply.json()) as { access_token: string };
    const entries = await trail('&actor=sign-in');
    expect(entries.map(({ operation, address }) => [operation, address])).toEqual([
      ['token.issue', '203.0.113.9'],
      ['user.create', '203.0.113.9'],
    ]);
    expect(JSON.stringify(entries)).not.toContain(session.slice(8));
    expect(JSON.stringify(entries)).not.toContain('sign-in:');
  });

  it('administrators by their ids, root as root, and the command line on the Redis as itself', async () => {
    const { body } = await gateway.admin('POST', '/admin/admins', { role: 'admin' });
    const headers = { authorization: `Bearer ${String(body['token'])}`, ...from };
    await fetch(`${gateway.url}/admin/teams`, { method: 'POST', headers, body: '{"id":"by-admin"}' });
    expect((await tollgate('team create by-hand')).code).toBe(0);
    expect((await tollgate('team create by-root', 'over HTTP')).code).toBe(0);
    expect((await trail()).map(({ actor, address, id }) => [actor, address, id])).toEqual([
      ['root', null, 'by-root'],
      ['command-line', null, 'by-hand'],
      [body['id'], '203.0.113.9', 'by-admin'],
      ['root', null, body['id']],
    ]);
  });

  it('elsewhere than on a dyno no address, whatever a caller writes', async () => {
    const elsewhere = await startGateway({ redis });
    try {
      const headers = { authorization: `Bearer ${elsewhere.adminKey}`, ...from };
      await fetch(`${elsewhere.url}/admin/teams`, { method: 'POST', headers, body: '{"id":"acme"}' });
      expect((await trail())[0]).toMatchObject({ id: 'acme', address: null });
    } finally {
      await elsewhere.close();
    }
  });

  it('whoever holds the administrator key before, as that, and the log says so too', async () => {
    const previous = randomBytes(20).toString('hex');
    const rotating = await startGateway({ redis, env: { ADMIN_KEY_PREVIOUS: previous } });
    try {
      const headers = { authorization: `Bearer ${previous}` };
      await fetch(`${rotating.url}/admin/teams`, { method: 'POST', headers, body: '{"id":"acme"}' });
      expect((await trail())[0]).toMatchObject({ id: 'acme', actor: 'root-previous' });
      expect(rotating.log()).toContain('ADMIN_KEY_PREVIOUS was used');
    } finally {
      await rotating.close();
    }
  });
});

describe.each(['over HTTP', 'on Redis'] as const)('tollgate audit, %s', (way) => {
  const count = 12;
  let client: Redis;
  let heads: string;

  beforeEach(async () => {
    client = new Redis(redis.url);
    for (let n = 1; n <= count; n += 1) await gateway.admin('POST', '/admin/teams', { id: `team-${n}` });
    heads = join(directory, 'gateway.log');
    const lines = gateway.log().split('\n');
    await writeFile(heads, lines.map((line) => `2026-02-03T12:30:00+00:00 app[web.1]: ${line}`).join('\n'));
    return () => client.disconnect();
  });

  type Stored = [id: string, fields: string[]];

  /** Somebody who can write to the Redis writes the trail anew. */
  async function tamper(change: (entries: Stored[]) => Stored[]): Promise<void> {
    const entries = await client.xrange(key, '-', '+');
    await client.del(key);
    for (const [n, [, fields]] of change(entries).entries()) await client.xadd(key, `${n + 1}-0`, ...fields);
  }

  const verify = async (withHeads = ''): Promise<{ code: number; verdict: JsonObject; err: string }> => {
    const { code, out, err } = await tollgate(`audit verify --json${withHeads}`, way);
    return { code, verdict: JSON.parse(out) as JsonObject, err };
  };

  it('reads a log that Windows wrote, if it is UTF-8', async () => {
    const saved = `${heads}.saved`;
    const text = (await readFile(heads, 'utf8')).replaceAll('\n', '\r\n');
    await writeFile(saved, `\uFEFF${text}`);
    expect(await verify(` --heads ${saved}`)).toMatchObject({ code: 0 });
    await writeFile(saved, `\uFEFF${text}`, 'utf16le');
    expect(await tollgate(`audit verify --heads ${saved}`, way)).toMatchObject({
      code: 1,
      err: expect.stringMatching(/must be UTF-8, but is UTF-16/) as string,
    });
  });

  it('verifies with heads that come in on standard input', async () => {
    const child = spawnTollgate('audit verify --json --heads -', ways[way]());
    createReadStream(heads).pipe(child.stdin);
    expect(JSON.parse(await allOf(child.stdout))).toMatchObject({ intact: true, heads_compared: count });
  });

  it('lists changes in a table of 80 columns, and verifies what nobody touched', async () => {
    const { code, out } = await tollgate('audit list --limit 2', way);
    expect(code).toBe(0);
    const lines = out.split('\n');
    expect(lines[0]).toMatch(/^NO +TIME +ACTOR +OPERATION +TEAM +ID/);
    expect(lines[1]).toMatch(/^12 .* root +team\.create +team-12 +team-12$/);
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(80);
    expect(await verify()).toMatchObject({
      code: 0,
      verdict: { intact: true, entries: count, heads_compared: 0 },
    });
    expect(await verify(` --heads ${heads}`)).toMatchObject({
      code: 0,
      err: '',
      verdict: { intact: true, entries: count, heads_compared: count, flaw: null },
    });
  });

  it.each<[string, string, (entries: Stored[]) => Stored[]]>([
    [
      'altered',
      'entry 5 was altered',
      (entries) =>
        entries.with(4, ['5-0', (entries[4]?.[1] ?? []).map((text) => text.replace('root', 'adm_1'))]),
    ],
    ['made unreadable', 'entry 5 was altered', (entries) => entries.with(4, ['5-0', ['h', 'x', 'e', '{']])],
    ['dropped', 'entry 7 was dropped', (entries) => entries.toSpliced(6, 1)],
    ['dropped, the oldest', 'entry 1 was dropped', (entries) => entries.slice(2)],
    [
      'swapped',
      'entry 3 was reordered',
      (entries) => entries.with(2, entries[8] ?? ['', []]).with(8, entries[2] ?? ['', []]),
    ],
  ])('names an entry that was %s', async (_how, named, change) => {
    await tamper(change);
    for (const withHeads of ['', ` --heads ${heads}`]) {
      const { code, err, verdict } = await verify(withHeads);
      expect({ code, intact: verdict['intact'] }).toEqual({ code: 1, intact: false });
      expect(err).toContain(named);
    }
  });

  it('needs the heads of a log to know that the newest are gone, or all of them', async () => {
    await tamper((entries) => entries.slice(0, -3));
    expect(await verify()).toMatchObject({ code: 0, verdict: { intact: true } });
    const { code, err } = await verify(` --heads ${heads}`);
    expect({ code, err }).toEqual({
      code: 1,
      err: expect.stringContaining('entry 10 was dropped') as string,
    });
    await client.del(key);
    expect((await verify(` --heads ${heads}`)).err).toContain('entry 1 was dropped');
  });

  it('goes on being written after tampering, which stays named', async () => {
    await tamper((entries) => entries.with(count - 1, ['12-0', ['h', 'x', 'e', 'nonsense']]));
    expect((await gateway.admin('DELETE', '/admin/teams/team-1')).status).toBe(204);
    const { code, err } = await verify(` --heads ${heads}`);
    expect({ code, err }).toEqual({
      code: 1,
      err: expect.stringContaining('entry 12 was altered') as string,
    });
    expect((await trail())[0]).toMatchObject({ sequence: 13, operation: 'team.delete' });
  });

  it('says so where there is no such file, or no head in it', async () => {
    const empty = join(directory, 'empty.log');
    await writeFile(empty, 'nothing here\n');
    const results = [
      await tollgate(`audit verify --heads ${empty}`, way),
      await tollgate(`audit verify --heads ${empty}.not-there`, way),
    ];
    expect(results.map(({ code }) => code)).toEqual([1, 1]);
    expect(results.map(({ err }) => err)).toEqual([
      `${empty} has no line with "audit head" in it.`,
      `${empty}.not-there cannot be read (ENOENT).`,
    ]);
  });
});
