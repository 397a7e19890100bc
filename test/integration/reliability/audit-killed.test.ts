import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ChainCheck } from '../../../src/audit/chain-check.ts';
import { LoggedHeads } from '../../../src/audit/chain-check.ts';
import type { JsonObject } from '../../../src/base/request.ts';
import { administrationOf } from '../../support/gateway.ts';
import { documentOf } from '../../support/documents.ts';
import { sharedRedis, type SharedRedis } from '../../support/redis-server.ts';
import { waitFor } from '../../support/wait-for.ts';
import { outcomeOf, startSite, type Site } from './site.ts';

/* kill -9 of gateways in the middle of changes: what was changed stands in the trail, and nothing else. */

let redis: SharedRedis;
let site: Site;
let directory: string;

beforeAll(async () => {
  redis = await sharedRedis();
  site = await startSite({ redis, leaseMs: 3_000 });
  directory = await mkdtemp(join(tmpdir(), 'tollgate-audit-'));
});
afterAll(async () => {
  await site.close();
  await rm(directory, { recursive: true });
});

async function list(path: string): Promise<JsonObject[]> {
  const { body } = await site.witness.admin('GET', path);
  return body['data'] as JsonObject[];
}

describe('a gateway that is killed while it changes things', () => {
  it('leaves each change with its entry, in one chain with those of the others', async () => {
    const rounds = 2; // the second finds the head that the first dead one left
    const each = 60;
    const killedAfter = 20;
    const logs: string[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const dying = await site.spawn();
      const admin = administrationOf(dying.url, site.witness.adminKey);
      let answered = 0;
      // Each goes on until it is refused or broken off: however late the kill is, it is amid changes.
      const changes = Array.from({ length: each }, async (_, n) => {
        for (let time = 0; ; time += 1) {
          const id = `dying-${round}-${n}-${time}`;
          const outcome = await outcomeOf(admin.admin('POST', '/admin/teams', { id }));
          if (outcome !== 201) return outcome;
          answered += 1;
          if (answered === killedAfter) dying.kill('SIGKILL');
        }
      });
      const others = Array.from({ length: 30 }, (_, n) =>
        site.witness.admin('POST', '/admin/teams', { id: `other-${round}-${n}` }),
      );
      expect(await Promise.all(changes)).toContain('broken');
      expect((await Promise.all(others)).map(({ status }) => status)).toEqual(others.map(() => 201));
      logs.push(dying.stdout());
    }
    // Whoever changes something next has found the head that the dead one left.
    await site.witness.admin('POST', '/admin/teams', { id: 'last' });
    const made = (await list('/admin/teams')).map(({ id }) => id as string);
    const entries = await list('/admin/audit?limit=1000');
    expect(entries.map(({ id }) => id as string).toSorted()).toEqual(made.toSorted());
    expect(entries.map(({ sequence }) => sequence)).toEqual(entries.map((_, n) => entries.length - n));

    const heads = new LoggedHeads();
    for (const line of [...logs, site.witness.log()].join('\n').split('\n')) heads.read(line);
    expect(heads.heads.has(entries.length)).toBe(true);
    const check = new ChainCheck(heads.heads);
    for (const entry of entries) check.older(entry);
    expect(check.end()).toMatchObject({ heads: heads.heads.size, flaw: null });
  });
});

describe('a gateway that starts', () => {
  it('tells the log the head it finds, and what IDENTITY_FILE brought stands in the trail as its own', async () => {
    const file = join(directory, 'identities.json');
    await writeFile(file, JSON.stringify(documentOf()));
    await site.witness.admin('POST', '/admin/teams', { id: 'before' });
    const [before] = await list('/admin/audit?limit=1');
    const started = await site.spawn({ IDENTITY_FILE: file });
    const [imported] = await list('/admin/audit?limit=1');
    expect(imported).toMatchObject({
      sequence: Number(before?.['sequence']) + 1,
      actor: 'file',
      address: null,
      request_id: null,
      operation: 'import.write',
    });
    const told = (): unknown[] => {
      const heads = new LoggedHeads();
      for (const line of started.stdout().split('\n')) heads.read(line);
      return [...heads.heads.values()];
    };
    await waitFor(() => told().length === 2, { what: 'the log to have both heads' });
    expect(told()).toEqual([before?.['hash'], imported?.['hash']]);
  });
});
