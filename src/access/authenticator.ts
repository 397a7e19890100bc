import type { Sender } from '../base/client-address.ts';
import type { RealModel } from '../base/model.ts';
import { identityWithRealModels } from '../identity/records/aliases.ts';
import type { Clock } from '../base/clock.ts';
import type { Credential, Principal } from '../identity/records/identity.ts';
import type { IdentityStore } from '../identity/store/identity-store.ts';
import { Refusal } from '../base/refusal.ts';
import { extractCredential, type CredentialHeaders } from './credential.ts';
import { IdentityCache } from './identity-cache.ts';
import { checkToken, expired } from './policy.ts';
import { makePrincipal } from './principal.ts';
import type { AuthThrottle } from './auth-throttle.ts';
import { credentialOf } from '../identity/records/token-text.ts';

export interface Authenticated {
  principal: Principal;
  /**
   * Whether the store said so after the request came in. If not, the principal may only admit, since
   * admission compares epochs; a refusal that rests on it must be confirmed with `refresh` first.
   */
  fresh: boolean;
}

interface AuthenticatorOptions {
  identities: IdentityStore;
  clock: Clock;
  maxEntries?: number;
  /** Limits refused credentials by client address; null: no limit. */
  throttle?: AuthThrottle | null;
  /** Resolves the aliases in policies and limits; absent if there are none. */
  realModel?: RealModel | null;
}

/** A socket, as far as it matters here. */
interface Connection {
  readonly remoteAddress?: string | undefined;
}

/** The credential headers last seen on a socket, and what they stand for. */
interface Remembered {
  authorization: string | undefined;
  apiKey: string | string[] | undefined;
  credential: Credential;
}

/** Finds out who is calling. Every refusal rests on what the store says, never on the cache. */
export class Authenticator {
  readonly #identities: IdentityStore;
  readonly #clock: Clock;
  readonly #cache: IdentityCache;
  readonly #sockets = new WeakMap<object, Remembered>();
  readonly #lookups = new Map<string, Promise<Authenticated | Refusal>>();
  readonly #throttle: AuthThrottle | null;
  readonly #realModel: RealModel | null;

  constructor({
    identities,
    clock,
    maxEntries = 5_000,
    throttle = null,
    realModel = null,
  }: AuthenticatorOptions) {
    this.#realModel = realModel;
    this.#identities = identities;
    this.#clock = clock;
    this.#throttle = throttle;
    this.#cache = new IdentityCache({ maxEntries });
  }

  /**
   * The principal behind a request's credential: at once when it is cached (no promise on the hot path),
   * else from the store, which may reject with `StoreUnavailable`. `socket` carries the credential from one
   * request of a connection to the next.
   */
  authenticate(
    headers: CredentialHeaders,
    socket: Connection,
  ): Authenticated | Refusal | Promise<Authenticated | Refusal> {
    const credential = this.#credential(headers, socket);
    if (credential instanceof Refusal) {
      return this.#throttle?.count(senderOf(headers, socket), credential) ?? credential;
    }
    const cached = this.#cache.get(credential.secretHash);
    // If it seems expired, the store decides by its own clock.
    if (cached !== undefined && this.#clock.now() < cached.expiresAtMs) {
      return { principal: cached, fresh: false };
    }
    // Whoever joins takes no slot: a burst on a good token must not look like tries.
    const running = this.#lookups.get(credential.secretHash);
    if (running) return this.#join(credential, running, senderOf(headers, socket));
    return this.#guarded(senderOf(headers, socket), () => this.#lookUp(credential));
  }

  /** The principal as the store knows it now. Rejects with `StoreUnavailable`. */
  async refresh(credential: Credential): Promise<Authenticated | Refusal> {
    const { identity, nowMs } = await this.#identities.resolve(credential);
    if (identity === null) return this.#forget(credential, unknown(credential, nowMs));
    const real = this.#realModel;
    // Once for each lookup, so that cached requests do not pay for it.
    const realIdentity = real ? identityWithRealModels(identity, real) : identity;
    const principal = makePrincipal(realIdentity, credential, nowMs);
    const refusal = checkToken(principal, nowMs);
    if (refusal) return this.#forget(credential, refusedTo(refusal, principal));
    this.#cache.set(principal);
    return { principal, fresh: true };
  }

  #forget({ secretHash }: Credential, refusal: Refusal): Refusal {
    this.#cache.delete(secretHash);
    return refusal;
  }

  #credential(headers: CredentialHeaders, socket: object): Credential | Refusal {
    const { authorization, 'x-api-key': apiKey } = headers;
    const known = this.#sockets.get(socket);
    if (known && known.authorization === authorization && known.apiKey === apiKey) return known.credential;

    const text = extractCredential(headers);
    if (text instanceof Refusal) return text;
    const credential = credentialOf(text);
    // Of what comes with a proof nothing is remembered: Authorization says DPoP only beside one.
    if (headers.dpop === undefined) this.#sockets.set(socket, { authorization, apiKey, credential });
    return credential;
  }

  /** Counts the lookup for its sender if it ends in a refusal. */
  #guarded(sender: Sender, lookUp: () => Promise<Authenticated | Refusal>): Promise<Authenticated | Refusal> {
    return this.#throttle === null ? lookUp() : this.#throttle.guard(sender, lookUp);
  }

  /** The lookup that others may join: a burst on a new token costs the store one trip. */
  #lookUp(credential: Credential): Promise<Authenticated | Refusal> {
    const { secretHash } = credential;
    const lookup = this.refresh(credential).finally(() => this.#lookups.delete(secretHash));
    this.#lookups.set(secretHash, lookup);
    return lookup;
  }

  /** A lookup that began before this request proves no more than the cache does. */
  async #join(
    credential: Credential,
    running: Promise<Authenticated | Refusal>,
    sender: Sender,
  ): Promise<Authenticated | Refusal> {
    const joined = await running;
    if (!(joined instanceof Refusal)) return { ...joined, fresh: false };
    return this.#guarded(sender, () => this.refresh(credential));
  }
}

function senderOf(
  { 'x-forwarded-for': forwardedFor }: CredentialHeaders,
  { remoteAddress }: Connection,
): Sender {
  return { forwardedFor, peer: remoteAddress };
}

/** The text of a session's token tells whether it has expired, even if the store has nothing left of it. */
function unknown({ session }: Credential, nowMs: number): Refusal {
  if (session === null) {
    return new Refusal(
      'invalid_token',
      'This token is not known here. Ask your administrator for a new one.',
    );
  }
  if (nowMs >= session.expiresAtMs) return expired('session', session.expiresAtMs);
  return new Refusal('invalid_token', 'This session has ended, or was never known here. Get a new one.');
}

/** The refusal of a known caller, so that log and counts can name it. */
function refusedTo({ code, message, details }: Refusal, { identity }: Principal): Refusal {
  const { team, user, token } = identity;
  return new Refusal(code, message, {
    ...details,
    caller: { team: team.id, user: user.id, token: token.id },
  });
}
