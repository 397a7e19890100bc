import { describe, expect, it } from 'vitest';
import { AdministratorStore } from '../../src/identity/store/administrator-store.ts';
import { IdentityArchive } from '../../src/identity/store/identity-archive.ts';
import { IdentityStore } from '../../src/identity/store/identity-store.ts';
import { WebhookStore } from '../../src/identity/store/webhook-store.ts';
import { Backup } from '../../src/backup/backup.ts';
import { pricesEpoch } from '../../src/identity/records/model-price.ts';
import { systemClock } from '../../src/base/clock.ts';
import { keysUnder } from '../../src/store/keys.ts';
import { StoreUnavailable } from '../../src/store/store-unavailable.ts';
import { documentOf, largeDocument, tokenRow } from '../support/documents.ts';
import { engines, servers, useEngine, useServer, type RunningEngine } from './engines.ts';
import { identityArchiveContract, type Stores } from './identity-archive.ts';

const keys = keysUnder('t:');

async function emptyStores(on: Pick<RunningEngine, 'empty'>): Promise<Stores> {
  const store = await on.empty();
  return {
    identities: new IdentityStore(store, keys),
    administrators: new AdministratorStore(store, keys),
    archive: new IdentityArchive(store, keys),
    webhooks: new WebhookStore(store, keys),
    pricesEpoch: () => store.attempt((client) => client.hget(keys.epochs, pricesEpoch)),
  };
}

describe.each(engines)('the archive ($name)', (engine) => {
  const on = useEngine(engine);
  identityArchiveContract(() => emptyStores(on));
});

describe.each(servers)('the archive on a server ($name)', (engine) => {
  const on = useServer(engine);

  it('when full takes nothing of an import, and exports all the same', async () => {
    const { archive } = await emptyStores(on);
    const backup = new Backup({ archive, clock: systemClock });
    await backup.import(JSON.stringify(documentOf({ tokens: [tokenRow('tok_first')] })), {
      overwrite: false,
    });
    const before = await on.server.command('DBSIZE');
    await on.server.command('CONFIG', 'SET', 'maxmemory', '1');
    try {
      const large = JSON.stringify(largeDocument(500));
      await expect(backup.import(large, { overwrite: true })).rejects.toBeInstanceOf(StoreUnavailable);
      expect(await backup.export(null)).toMatchObject({ teams: [{ id: 'acme' }] });
    } finally {
      await on.server.command('CONFIG', 'SET', 'maxmemory', '0');
    }
    expect(await archive.teams()).toEqual(['acme']);
    expect(await on.server.command('DBSIZE')).toBe(before);
  });

  it('keeps every key under the prefix, and none of them expires', async () => {
    const { archive } = await emptyStores(on);
    await new Backup({ archive, clock: systemClock }).import(JSON.stringify(documentOf()), {
      overwrite: false,
    });
    const administrator = { kind: 'administrator', team: '@', id: 'adm_1' } as const;
    const next = { text: '{}', secrets: ['hash'] };
    await archive.commit({ changes: [{ key: administrator, found: null, next }] });
    expect(await on.server.command('HKEYS', keys.epochs)).toEqual(['acme']); // which no administrator moves
    for (const name of (await on.server.command('KEYS', '*')) as string[]) {
      expect(name).toMatch(/^t:1:/);
      expect(await on.server.command('TTL', name)).toBe(-1);
    }
  });
});
