import { createRemoteJWKSet, customFetch, errors, type JWTVerifyGetKey, type RemoteJWKSet } from 'jose';
import type { TrustedIssuer } from '../config/issuer.ts';
import { AttemptFloor, Discovery, type FetchTimes, KeysUnavailable } from './discovery.ts';

/** A failed fetch may be repeated this soon, whatever the cooldown: a lost packet must not lock everyone out. */
const maxFloorMs = 5_000;

interface KeyTimes extends Omit<FetchTimes, 'floorMs'> {
  /** After a fetch, how long an unknown key causes no other fetch. */
  readonly cooldownMs: number;
}

/** The published keys of one issuer (RFC 7517), fetched when first needed. */
export class IssuerKeys {
  readonly #times: FetchTimes & KeyTimes;
  readonly #jwksUri: () => Promise<string>;
  readonly #floor: AttemptFloor;
  #current: { readonly jwksUri: string; readonly keys: RemoteJWKSet } | null = null;

  constructor({ issuer, jwksUri }: TrustedIssuer, times: KeyTimes) {
    this.#times = { ...times, floorMs: Math.min(times.cooldownMs, maxFloorMs) };
    this.#floor = new AttemptFloor(times.clock, this.#times.floorMs);
    const discovery = new Discovery(issuer, this.#times);
    this.#jwksUri = jwksUri === null ? () => discovery.jwksUri() : () => Promise.resolve(jwksUri);
  }

  /**
   * The key that a token's header names, for `jwtVerify`. Rejects with jose's error if there is none or more than one,
   * and with `KeysUnavailable` if the keys cannot be fetched.
   */
  readonly keyFor: JWTVerifyGetKey = async (header, token) => {
    try {
      const keys = this.#keysAt(await this.#jwksUri());
      return await keys(header, token);
    } catch (error) {
      if (isAboutToken(error)) throw error;
      throw new KeysUnavailable('The keys of the issuer cannot be fetched.', { cause: error });
    }
  };

  #keysAt(jwksUri: string): RemoteJWKSet {
    if (this.#current?.jwksUri !== jwksUri) this.#current = { jwksUri, keys: this.#remoteKeys(jwksUri) };
    return this.#current.keys;
  }

  #remoteKeys(jwksUri: string): RemoteJWKSet {
    const { timeoutMs, cooldownMs, cacheMaxAgeMs } = this.#times;
    return createRemoteJWKSet(new URL(jwksUri), {
      timeoutDuration: timeoutMs,
      cooldownDuration: cooldownMs,
      cacheMaxAge: cacheMaxAgeMs,
      // jose's cooldown begins with a fetch that succeeded; while they fail, each token would cause another.
      [customFetch]: async (url, options) => {
        this.#floor.begin();
        return await fetch(url, options);
      },
    });
  }
}

function isAboutToken(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSENotSupported
  );
}
