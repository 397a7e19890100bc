import type { Clock } from '../core/clock.ts';
import type { IdentityStore, Principal } from '../core/identity.ts';
import { Refusal } from '../core/refusal.ts';
import { extractCredential, type CredentialHeaders } from './credential.ts';
import { IdentityCache } from './identity-cache.ts';
import { checkToken } from './policy.ts';
import { makePrincipal } from './principal.ts';
import { hashToken } from './token-text.ts';

export interface Authenticated {
  principal: Principal;
  /**
   * Whether the store said so after the request came in. If not, the principal may only admit, since
   * admission compares epochs; a refusal that rests on it must be confirmed with `refresh` first.
   */
  fresh: boolean;
}

export interface AuthenticatorOptions {
  identities: IdentityStore;
  clock: Clock;
  maxEntries?: number;
}

/** The credential headers last seen on a socket, and what they hash to. */
interface Remembered {
  authorization: string | undefined;
  apiKey: string | string[] | undefined;
  secretHash: string;
}

/** Finds out who is calling. What it refuses, it refuses on the store's word, never on the cache's. */
export class Authenticator {
  readonly #identities: IdentityStore;
  readonly #clock: Clock;
  readonly #cache: IdentityCache;
  readonly #sockets = new WeakMap<object, Remembered>();
  readonly #lookups = new Map<string, Promise<Authenticated | Refusal>>();

  constructor({ identities, clock, maxEntries = 5_000 }: AuthenticatorOptions) {
    this.#identities = identities;
    this.#clock = clock;
    this.#cache = new IdentityCache({ maxEntries });
  }

  /**
   * The principal behind a request's credential: at once when it is cached (no promise on the hot path),
   * else from the store, which may reject with `StoreUnavailable`. `socket` carries the hash from one
   * request of a connection to the next.
   */
  authenticate(
    headers: CredentialHeaders,
    socket: object,
  ): Authenticated | Refusal | Promise<Authenticated | Refusal> {
    const secretHash = this.#secretHash(headers, socket);
    if (secretHash instanceof Refusal) return secretHash;
    const cached = this.#cache.get(secretHash);
    // One that seems expired goes to the store, whose clock decides.
    if (cached !== undefined && this.#clock.now() < cached.expiresAtMs) {
      return { principal: cached, fresh: false };
    }
    return this.#lookUp(secretHash);
  }

  /** The principal as the store knows it now. Rejects with `StoreUnavailable`. */
  async refresh(secretHash: string): Promise<Authenticated | Refusal> {
    const identity = await this.#identities.resolve(secretHash);
    if (identity === null) return this.#forget(secretHash, unknownToken());
    const principal = makePrincipal(identity, secretHash);
    const refusal = checkToken(principal, identity.nowMs);
    if (refusal) return this.#forget(secretHash, refusal);
    this.#cache.set(principal);
    return { principal, fresh: true };
  }

  #forget(secretHash: string, refusal: Refusal): Refusal {
    this.#cache.delete(secretHash);
    return refusal;
  }

  #secretHash(headers: CredentialHeaders, socket: object): string | Refusal {
    const { authorization, 'x-api-key': apiKey } = headers;
    const known = this.#sockets.get(socket);
    if (known && known.authorization === authorization && known.apiKey === apiKey) return known.secretHash;

    const text = extractCredential(headers);
    if (text instanceof Refusal) return text;
    const secretHash = hashToken(text);
    this.#sockets.set(socket, { authorization, apiKey, secretHash });
    return secretHash;
  }

  /** One lookup at a time for a hash: a burst on a new token costs the store one trip. */
  async #lookUp(secretHash: string): Promise<Authenticated | Refusal> {
    const running = this.#lookups.get(secretHash);
    if (running) return this.#join(secretHash, running);
    const lookup = this.refresh(secretHash).finally(() => this.#lookups.delete(secretHash));
    this.#lookups.set(secretHash, lookup);
    return lookup;
  }

  /** A lookup that began before this request proves no more than the cache does. */
  async #join(
    secretHash: string,
    running: Promise<Authenticated | Refusal>,
  ): Promise<Authenticated | Refusal> {
    const joined = await running;
    return joined instanceof Refusal ? this.refresh(secretHash) : { ...joined, fresh: false };
  }
}

function unknownToken(): Refusal {
  return new Refusal('invalid_token', 'This token is not known here. Ask your administrator for a new one.');
}
