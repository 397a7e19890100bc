import { type AuditedScripts, AuditedStore, type Change } from '../audit/audit.ts';
import type { Limit } from '../base/limit.ts';
import type { Keys } from '../store/keys.ts';
import { loadScript } from '../store/script.ts';
import type { Store } from '../store/store.ts';
import type { Session } from '../identity/records/session.ts';
import { StoreUnavailable } from '../store/store-unavailable.ts';

const mint = loadScript(new URL('./mint.lua', import.meta.url));
const end = loadScript(new URL('./end.lua', import.meta.url));
const countExchange = loadScript(new URL('./count_exchange.lua', import.meta.url));
const endAll = loadScript(new URL('./end_all.lua', import.meta.url));

/** The sessions of a team take as much of the store as those of so many of its tokens. */
const tokensInTeam = 2;

const never = String(Number.MAX_SAFE_INTEGER);

export interface MintRequest {
  session: Session;
  secretHash: string;
  /** By the store's clock, ms. */
  expiresAtMs: number;
  /** The parent: its team, its id, the epoch it was read at, and when it expires, ms. */
  parent: { team: string; token: string; epoch: string; expiresAtMs: number };
  /** Its proofs work once: those that were used take room. */
  keepsProofs?: boolean;
}

export type MintResult =
  | { kind: 'minted' }
  /** The team changed since the parent was read: read it again. */
  | { kind: 'stale' }
  /** The parent has expired. */
  | { kind: 'expired' }
  /**
   * Too many in this minute, or live sessions of the token or its team take too many bytes. `freeAtMs`: when to try
   * again.
   */
  | {
      kind: 'too_many';
      bound: 'minute' | 'room' | 'team_room';
      max: number;
      freeAtMs: number;
      nowMs: number;
    };

/** The bounds of one parent's sessions. */
export interface MintBounds {
  perMinute: number;
  /** How much of the store the live sessions of a token may take. Those of its team: twice that. */
  maxBytes: number;
}

/**
 * Sessions, each a key that expires with it. Each method is one script and leaves the team's epoch alone. Methods reject
 * with `StoreUnavailable`.
 */
export class SessionStore extends AuditedStore {
  readonly #bounds: MintBounds;

  constructor(store: Store, keys: Keys, bounds: MintBounds, changes?: AuditedScripts) {
    super(store, keys, changes);
    this.#bounds = bounds;
  }

  /** Stores a new session, in one round trip. */
  async mint({
    session,
    secretHash,
    expiresAtMs,
    parent,
    keepsProofs = false,
  }: MintRequest): Promise<MintResult> {
    const keys = this.keys;
    const parentKey = parentKeyOf(parent);
    const record = JSON.stringify(session);
    const { perMinute, maxBytes } = this.#bounds;
    const reply = await this.store.run(
      mint,
      [keys.session(session.id), keys.epochs, ...this.#liveOf(parentKey), ...this.#liveOf(parent.team)],
      [
        session.id,
        secretHash,
        parentKey,
        record,
        expiresAtMs,
        parent.team,
        parent.epoch,
        parent.expiresAtMs === Infinity ? never : parent.expiresAtMs,
        storedBytes(session, record) + (keepsProofs ? proofsBytes : 0),
        perMinute,
        maxBytes,
        tokensInTeam * maxBytes,
      ],
    );
    return mintResult(reply, this.#bounds);
  }

  /** Ends a session; false if it is gone already. A change is noted in the audit trail. Works in a full store. */
  async end(id: string, change: Change | null = null): Promise<boolean> {
    const keys = this.keys;
    const args = [keys.sessionsOf(''), keys.minting('')];
    return (await this.changes.run(end, { keys: [keys.session(id)], args, change })) === 1;
  }

  /** Counts an exchange of an ID token and returns the count, which expires at `untilMs`. */
  async countExchange(replayKey: string, untilMs: number): Promise<number> {
    return Number(await this.store.run(countExchange, [this.keys.exchanged(replayKey)], [untilMs]));
  }

  /** Ends all sessions of a parent. Returns how many there were. Works in a full store. */
  async endAll(parent: { team: string; token: string }): Promise<number> {
    const keys = this.keys;
    const parentKey = parentKeyOf(parent);
    const ended = await this.store.run(
      endAll,
      [...this.#liveOf(parentKey), ...this.#liveOf(parent.team)],
      [keys.session('')],
    );
    return Number(ended);
  }

  /** The index and the tally of the live sessions of a token or a team. */
  #liveOf(whose: string): string[] {
    return [this.keys.sessionsOf(whose), this.keys.minting(whose)];
  }
}

function parentKeyOf({ team, token }: { team: string; token: string }): string {
  return `${team}/${token}`;
}

function mintResult(reply: unknown, { perMinute, maxBytes }: MintBounds): MintResult {
  const [now, kind, freeAt] = Array.isArray(reply) ? reply.map(String) : [];
  const when = { freeAtMs: Number(freeAt), nowMs: Number(now) };
  switch (kind) {
    case 'minted':
    case 'stale':
    case 'expired':
      return { kind };
    case 'minute':
      return { kind: 'too_many', bound: 'minute', max: perMinute, ...when };
    case 'room':
      return { kind: 'too_many', bound: 'room', max: maxBytes, ...when };
    case 'team_room':
      return { kind: 'too_many', bound: 'team_room', max: tokensInTeam * maxBytes, ...when };
    default:
      throw new StoreUnavailable('The store gave an answer that mint.lua does not give.');
  }
}

/** Estimated bytes that a session takes besides its record: keys, index, bookkeeping, refunded requests (measured). */
const overheadBytes = 780;
/** The counter of each limit. */
const counterBytes = 160;
/** What a sliding counter grows to: for each run of at least one, and in all (`sliding_window.lua`). */
const runBytes = 16;
const mostRunsBytes = 2_300;

/** What the used proofs of a session take at most: 120 a minute, of three minutes (2,220 each, measured). */
const proofsBytes = 6_700;

/** Bytes of the store that a session takes at most, written as `record`. */
export function storedBytes({ limits }: Session, record: string): number {
  let bytes = overheadBytes + Buffer.byteLength(record);
  for (const limit of limits) bytes += counterBytes + growthBytes(limit);
  return bytes;
}

function growthBytes(limit: Limit): number {
  const slides = limit.metric !== 'concurrency' && (limit.window === 'minute' || limit.window === 'hour');
  return slides ? Math.min(mostRunsBytes, runBytes * limit.max) : 0;
}
