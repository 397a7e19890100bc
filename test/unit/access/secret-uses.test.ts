import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { makePrincipal } from '../../../src/access/principal.ts';
import { SecretUses } from '../../../src/access/secret-uses.ts';
import type { LastUses, SecretUse } from '../../../src/identity/records/secret.ts';
import { StoreUnavailable } from '../../../src/store/store-unavailable.ts';
import { credentialFor, identityOf, sessionOf } from './identities.ts';

class FakeStore {
  readonly written: SecretUse[][] = [];
  failure: Error | null = null;

  async noteUses(uses: readonly SecretUse[]): Promise<void> {
    if (this.failure) throw this.failure;
    this.written.push(uses.map((use) => ({ ...use })));
  }

  async lastUses(): Promise<LastUses[]> {
    return [new Map([['tgk_a', this.written.length]])];
  }
}

let store: FakeStore;
let nowMs: number;
const errors: string[] = [];
let uses: SecretUses;

const created_at = '2026-01-01T00:00:00.000Z';
const rotated = [
  { hash: 'new', prefix: 'tgk_new', created_at, expires_at: null },
  { hash: 'old', prefix: 'tgk_old', created_at, expires_at: '2026-06-01T00:00:00.000Z' },
];
const principal = (hash: string, token = {}) => makePrincipal(identityOf({ token }), credentialFor(hash));

beforeEach(() => {
  vi.useFakeTimers();
  store = new FakeStore();
  nowMs = 1_000.5;
  errors.length = 0;
  const log = {
    info: () => undefined,
    warn: () => undefined,
    error: (text: string) => void errors.push(text),
  };
  uses = new SecretUses({ store, storeNowMs: () => nowMs, log });
});

afterEach(() => vi.useRealTimers());

describe('uses of secrets', () => {
  it('are written once a minute each, with the last time', async () => {
    uses.start();
    for (let n = 0; n < 1_000; n += 1) {
      nowMs += 1;
      uses.note(principal('a'));
    }
    expect(store.written).toEqual([]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(store.written).toEqual([[{ team: 'acme', token: 'tok_1', prefix: 'tgk_12345678', atMs: 2_000 }]]);
    await vi.advanceTimersByTimeAsync(300_000);
    expect(store.written).toHaveLength(1);
  });

  it('are told apart where a token has two', async () => {
    uses.note(principal('old', { secrets: rotated }));
    nowMs += 1;
    uses.note(principal('new', { secrets: rotated }));
    await uses.stop();
    expect(store.written).toEqual([
      [
        { team: 'acme', token: 'tok_1', prefix: 'tgk_old', atMs: 1_000 },
        { team: 'acme', token: 'tok_1', prefix: 'tgk_new', atMs: 1_001 },
      ],
    ]);
  });

  it('are not those of sessions', async () => {
    uses.note(makePrincipal(identityOf({ session: sessionOf() }), credentialFor('a')));
    await uses.stop();
    expect(store.written).toEqual([]);
  });

  it('wait while the store is away, and are written when it is back', async () => {
    uses.start();
    uses.note(principal('a'));
    store.failure = new StoreUnavailable('away');
    await vi.advanceTimersByTimeAsync(60_000);
    nowMs += 5;
    uses.note(principal('a'));
    store.failure = null;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(store.written.flat().map(({ atMs }) => atMs)).toEqual([1_005]);
    expect(errors).toEqual([]);
  });

  it('are kept, and the failure told, where writing fails for another reason', async () => {
    uses.note(principal('a'));
    store.failure = new TypeError('a defect');
    await uses.stop();
    expect(errors).toEqual(['noting uses failed']);
    store.failure = null;
    await uses.stop();
    expect(store.written).toHaveLength(1);
  });

  it('are written before they are read', async () => {
    uses.note(principal('a'));
    expect(await uses.lastUses('acme', ['tok_1'])).toEqual([new Map([['tgk_a', 1]])]);
  });

  it('are read also where they cannot be written, and then wait', async () => {
    store.failure = new StoreUnavailable('OOM');
    uses.note(principal('a'));
    expect(await uses.lastUses('acme', ['tok_1'])).toEqual([new Map([['tgk_a', 0]])]);
    store.failure = null;
    expect(await uses.lastUses('acme', ['tok_1'])).toEqual([new Map([['tgk_a', 1]])]);
  });
});
