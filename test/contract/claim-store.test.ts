import { beforeEach, describe, expect, it } from 'vitest';
import { ClaimStore } from '../../src/claims/claim-store.ts';
import type { SealedClaim } from '../../src/claims/claim-store.ts';
import { Outbox } from '../../src/events/outbox.ts';
import { keysUnder } from '../../src/store/keys.ts';
import type { Store } from '../../src/store/store.ts';
import { StoreUnavailable } from '../../src/store/store-unavailable.ts';
import { expectEvent } from '../support/expect-event.ts';
import { waitFor } from '../support/wait-for.ts';
import { engines, servers, useEngine, useServer } from './engines.ts';

const keys = keysUnder('t:');
const minuteMs = 60_000;

const claimed = { team: 'acme', id: 'tok_1' };

function sealedFor(livesMs: number): SealedClaim {
  return { sealed: 'sealed text', livesMs, team: 'acme', tokenId: 'tok_1' };
}

/** What every claim store does. `make` gives an empty one. */
function claimStoreContract(make: () => Promise<Store>): void {
  let kept: Store;
  let store: ClaimStore;

  beforeEach(async () => {
    kept = await make();
    store = new ClaimStore(kept, keys);
  });

  it('tells once that the token was claimed', async () => {
    await store.put('a', sealedFor(minuteMs));
    const outbox = new Outbox(kept, keys);
    expect(await outbox.after('0-0', 10)).toEqual([]);
    await Promise.all([store.open('a', claimed), store.open('a', claimed), store.open('b', claimed)]);
    const events = await outbox.after('0-0', 10);
    expect(events).toMatchObject([{ type: 'token.claimed', team: 'acme', data: { token: 'tok_1' } }]);
    for (const event of events) expectEvent(event);
  });

  it('gives what is sealed once, and says from then on when that was', async () => {
    const expiresAtMs = await store.put('a', sealedFor(minuteMs));
    expect(Math.abs(expiresAtMs - Date.now() - minuteMs)).toBeLessThan(60_000);
    expect(await store.look('a')).toEqual({ kind: 'waiting', expiresAtMs, sealed: 'sealed text' });
    expect(await store.look('a')).toEqual({ kind: 'waiting', expiresAtMs, sealed: 'sealed text' });
    expect(await store.open('a', claimed)).toEqual({ kind: 'claimed' });
    const opened = { kind: 'opened', atMs: expect.any(Number) as number };
    expect(await store.open('a', claimed)).toEqual(opened);
    expect(await store.look('a')).toEqual(opened);
  });

  it('keeps what is sealed first where a claim is put twice, also once that was opened', async () => {
    const expiresAtMs = await store.put('a', sealedFor(minuteMs));
    const second = { ...sealedFor(2 * minuteMs), sealed: 'another text' };
    expect(await store.put('a', second)).toBe(expiresAtMs);
    expect(await store.open('a', claimed)).toEqual({ kind: 'claimed' });
    await store.put('a', second);
    expect(await store.open('a', claimed)).toMatchObject({ kind: 'opened' });
  });

  it('gives it to one of many at once', async () => {
    await store.put('a', sealedFor(minuteMs));
    const found = await Promise.all(Array.from({ length: 20 }, () => store.open('a', claimed)));
    expect(found.filter(({ kind }) => kind === 'claimed')).toHaveLength(1);
    expect(found.filter(({ kind }) => kind === 'opened')).toHaveLength(19);
  });

  it('knows nothing of a code that never was, or whose time is up', async () => {
    expect(await store.look('b')).toEqual({ kind: 'none' });
    expect(await store.open('b', claimed)).toEqual({ kind: 'none' });
    await store.put('a', sealedFor(30));
    // The engine itself forgets it, by its own clock.
    await waitFor(async () => (await store.look('a')).kind === 'none', { what: 'it to be forgotten' });
    expect(await store.open('a', claimed)).toEqual({ kind: 'none' });
  });
}

describe.each(engines)('the claim store ($name)', (engine) => {
  const on = useEngine(engine);
  claimStoreContract(() => on.empty());
});

describe.each(servers)('the claim store on a server ($name)', (engine) => {
  const on = useServer(engine);
  const empty = async (): Promise<ClaimStore> => new ClaimStore(await on.empty(), keys);

  it('keeps nothing that does not expire, and nothing that is sealed once it was opened', async () => {
    const store = await empty();
    await store.put('a', sealedFor(minuteMs));
    expect(await on.redis.client.pttl(keys.claim('a'))).toBeGreaterThan(0);
    await store.open('a', claimed);
    expect(await on.redis.client.get(keys.claim('a'))).toMatch(/^opened \d+$/);
    expect(await on.redis.client.pttl(keys.claim('a'))).toBeGreaterThan(minuteMs);
  });

  it('in a full store keeps nothing new, and opens what is there', async () => {
    const store = await empty();
    await store.put('a', sealedFor(minuteMs));
    await on.redis.client.config('SET', 'maxmemory', '1');
    try {
      await expect(store.put('b', sealedFor(minuteMs))).rejects.toThrow(StoreUnavailable);
      expect(await store.open('a', claimed)).toEqual({ kind: 'claimed' });
    } finally {
      await on.redis.client.config('SET', 'maxmemory', '0');
    }
  });
});
