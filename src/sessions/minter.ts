import type { RealModel } from '../base/model.ts';
import { mintSessionToken } from '../identity/records/token-text.ts';
import { suspendedEndUser } from '../access/policy.ts';
import { endUserOf, isSuspendedIn } from '../identity/records/end-user.ts';
import { withRealModels } from '../identity/records/aliases.ts';
import type { Limit } from '../base/limit.ts';
import type { Principal } from '../identity/records/identity.ts';
import { invalidBody, Refusal, retryAfter, secondsUntil } from '../base/refusal.ts';
import { type Session, sessionLimitId, sharedLimitId } from '../identity/records/session.ts';
import type { MintResult, SessionStore } from './session-store.ts';
import { narrowed, type NarrowOptions } from './narrow.ts';
import { defaultLifeS, type NewSession } from './schema.ts';

interface MinterOptions extends NarrowOptions {
  sessions: Pick<SessionStore, 'mint'>;
  /** Resolves aliases: requested policies may name them. */
  realModel: RealModel;
  /** The store's clock, as this process estimates it, ms. */
  storeNowMs: () => number;
}

/** A new session: the only time its text is known. */
export interface MintedSession {
  record: Session;
  text: string;
  /** How long it lives from now, whole seconds: a visitor's clock may be wrong. */
  livesS: number;
}

/** Who signed in: their sessions are for them, and share their limits. */
export interface SignedIn {
  id: string;
  /** What their issuer's entry lets each person use, counted as an end user's. */
  limits?: Limit[];
}

/** Makes sessions from users' tokens. */
export class SessionMinter {
  readonly #options: MinterOptions;

  constructor(options: MinterOptions) {
    this.#options = options;
  }

  /**
   * Makes a session of the principal's token, in one round trip; `stale` if the principal must be read again. `person`:
   * who shares the session's limits with other sessions; null if the limits are its own. Refuses an end user who is
   * suspended. Rejects with `StoreUnavailable`.
   */
  async mint(
    parent: Principal,
    asked: NewSession,
    person: SignedIn | null = null,
  ): Promise<MintedSession | Refusal | 'stale'> {
    const unbound = asked.cnf ? null : unboundRefusal(parent);
    if (unbound) return unbound;
    const policy = narrowed(withRealModels(asked, this.#options.realModel), parent, this.#options);
    if (policy instanceof Refusal) return policy;
    const nowMs = Math.floor(this.#options.storeNowMs());
    const expiresAtMs = expiryOf(asked, { nowMs, parentMs: endOf(parent) });
    if (expiresAtMs instanceof Refusal) return expiresAtMs;

    const { id, text, secretHash } = mintSessionToken(expiresAtMs);
    const record: Session = {
      id,
      ...policy,
      limits: policy.limits.map((limit, index) => ({
        ...limit,
        id: person === null ? sessionLimitId(id, index) : sharedLimitId(person.id, limit),
      })),
      ...(person?.limits?.length ? { end_user_limits: person.limits } : {}),
      end_user: person?.id ?? asked.end_user ?? null,
      ...(asked.cnf ? { cnf: asked.cnf } : {}),
      expires_at: new Date(expiresAtMs).toISOString(),
      created_at: new Date(nowMs).toISOString(),
    };
    const { team, token, epoch } = parent.identity;
    if (isSuspendedIn(team, endUserOf({ ...parent.identity, session: record }))) return suspendedEndUser();
    const result = await this.#options.sessions.mint({
      session: record,
      secretHash,
      expiresAtMs,
      parent: { team: team.id, token: token.id, epoch, expiresAtMs: parent.expiresAtMs },
      keepsProofs: token.session_proof === 'once',
    });
    if (result.kind === 'stale') return 'stale';
    return result.kind === 'minted'
      ? { record, text, livesS: Math.max(0, Math.floor((expiresAtMs - nowMs) / 1000)) }
      : refusalOf(result);
  }
}

/** The refusal of a session without a key, if its token asks for one. */
function unboundRefusal({ identity: { token } }: Principal): Refusal | null {
  if (!token.session_proof) return null;
  const message =
    'cnf is required: sessions of this token are bound to a key of their page (session_proof). Send the thumbprint of its public key (RFC 7638) as "cnf": {"jkt": "…"}.';
  return invalidBody([{ param: 'cnf', message }]);
}

/** The token's own end, ms: a session outlives the secret it was made with. */
function endOf({ identity: { token } }: Principal): number {
  return token.expires_at === null ? Infinity : Date.parse(token.expires_at);
}

/** Without a requested lifetime, a session ends with its parent at the latest. */
function expiryOf(
  { expires_in: askedS }: NewSession,
  { nowMs, parentMs }: { nowMs: number; parentMs: number },
): number | Refusal {
  const expiresAtMs = nowMs + (askedS ?? defaultLifeS) * 1000;
  if (expiresAtMs <= parentMs || typeof askedS !== 'number') return Math.min(expiresAtMs, parentMs);
  const message = `expires_in is longer than the token itself lives, until ${new Date(parentMs).toISOString()}; ask for less.`;
  return new Refusal('wider_than_parent', message, { param: 'expires_in' });
}

function refusalOf(result: Exclude<MintResult, { kind: 'minted' | 'stale' }>): Refusal {
  if (result.kind === 'expired') {
    return new Refusal('expired_token', 'This token has expired; ask your administrator for a new one.');
  }
  const { bound, max, freeAtMs, nowMs } = result;
  const afterS = secondsUntil(freeAtMs, nowMs);
  const whose = bound === 'team_room' ? 'team' : 'token';
  const message =
    bound === 'minute'
      ? `This token makes at most ${max} sessions a minute. Try again in ${afterS} s.`
      : `The live sessions of this ${whose} take ${max} bytes of the store, which is the maximum. End some, or try again in ${afterS} s.`;
  const limit = {
    scope: whose,
    metric: bound === 'minute' ? 'sessions' : 'session_bytes',
    window: bound === 'minute' ? 'minute' : null,
    max,
    resets_at: new Date(freeAtMs).toISOString(),
  };
  return new Refusal('rate_limit_exceeded', message, { limit, headers: retryAfter(afterS) });
}
