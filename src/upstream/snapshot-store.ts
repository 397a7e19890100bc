import type { Keys } from '../store/keys.ts';
import { loadScript } from '../store/script.ts';
import type { Store } from '../store/store.ts';
import type { LimitWindow, ToldSnapshot } from './told-quota.ts';

/** A snapshot and the hash of its key. Times are by the store's clock, `atMs` in whole ms. */
export interface SharedSnapshot {
  keyHash: string;
  snapshot: ToldSnapshot;
}

/** Adds the newer snapshots, and returns the newest of each of these keys. Rejects with `StoreUnavailable`. */
export type ShareSnapshots = (
  keyHashes: readonly string[],
  news: readonly SharedSnapshot[],
) => Promise<SharedSnapshot[]>;

const shareScript = loadScript(new URL('./share_snapshots.lua', import.meta.url));
/** Far longer than any window; what is older says nothing. */
const keptMs = 3_600_000;

/** What processes tell each other of the keys they share, one short string a key. */
export function snapshotsIn(store: Store, keys: Keys): ShareSnapshots {
  return async (keyHashes, news) => {
    const told = new Map(news.map(({ keyHash, snapshot }) => [keyHash, snapshot]));
    const args = keyHashes.flatMap((keyHash) => {
      const snapshot = told.get(keyHash);
      return snapshot ? [snapshot.atMs, encodeSnapshot(snapshot)] : [0, ''];
    });
    const names = keyHashes.map((keyHash) => keys.reading(keyHash));
    const texts = (await store.run(shareScript, names, [keptMs, ...args])) as string[];
    return keyHashes.flatMap((keyHash, n) => {
      const snapshot = decodeSnapshot(texts[n] ?? '');
      return snapshot ? [{ keyHash, snapshot }] : [];
    });
  };
}

/** A snapshot as the store keeps it, without its time: whole numbers, `-` if a figure is unknown, and the team. */
export function encodeSnapshot({ blockedUntilMs, requests, tokens, team }: ToldSnapshot): string {
  return [Math.ceil(blockedUntilMs), encodeWindow(requests), encodeWindow(tokens), team].join(' ');
}

function encodeWindow(window: LimitWindow | null): string {
  if (window === null) return '- - -';
  const limit = window.limit === Infinity ? '-' : window.limit;
  return `${window.remaining} ${limit} ${Math.ceil(window.resetAtMs)}`;
}

const figuresStored = 8;

/** The snapshot in a stored text, which begins with its time; null if there is none. */
export function decodeSnapshot(text: string): ToldSnapshot | null {
  const parts = text.split(' ');
  const [team = ''] = parts.splice(figuresStored); // earlier versions do not say whose it is
  const figures = parts.map((figure) => (figure === '-' ? null : Number(figure)));
  const [atMs, blockedUntilMs, ...rest] = figures;
  if (!atMs || rest.length < 6) return null;
  return {
    team,
    atMs,
    blockedUntilMs: blockedUntilMs ?? 0,
    requests: windowOf(rest.slice(0, 3)),
    tokens: windowOf(rest.slice(3, 6)),
  };
}

function windowOf([remaining = null, limit = null, resetAtMs = null]: (number | null)[]): LimitWindow | null {
  if (remaining === null || resetAtMs === null) return null;
  return { remaining, limit: limit ?? Infinity, resetAtMs };
}
