import { createRemoteJWKSet, customFetch, errors, type JWTVerifyGetKey, type RemoteJWKSet } from 'jose';
import type { TrustedIssuer } from '../config/issuer.ts';
import { secondsUntil } from '../base/refusal.ts';
import { isRecord } from '../base/request.ts';
import { Discovery, type FetchTimes } from './discovery.ts';
import { AttemptFloor, KeysUnavailable } from './keys-unavailable.ts';
import { publishedJson } from './published-json.ts';

/** A failed fetch may be repeated this soon, whatever the cooldown: a lost packet must not lock everyone out. */
const maxFloorMs = 5_000;
/** Issuers publish a handful: the current keys, the next and the last. */
const maxKeys = 100;

interface KeyTimes extends Omit<FetchTimes, 'floorMs'> {
  /** After a fetch, how long an unknown key causes no other fetch. */
  readonly cooldownMs: number;
}

/** The published keys of one issuer (RFC 7517), fetched when first needed. */
export class IssuerKeys {
  readonly #times: FetchTimes & KeyTimes;
  readonly #jwksUri: () => Promise<string>;
  readonly #floor: AttemptFloor;
  /** When the keys were fetched last, monotonic ms. */
  #fetchedAtMs = -Infinity;
  #current: { readonly jwksUri: string; readonly keys: RemoteJWKSet } | null = null;

  constructor({ issuer, jwksUri }: TrustedIssuer, times: KeyTimes) {
    this.#times = { ...times, floorMs: Math.min(times.cooldownMs, maxFloorMs) };
    this.#floor = new AttemptFloor(times.clock, this.#times.floorMs);
    const discovery = new Discovery(issuer, this.#times);
    this.#jwksUri = async () => jwksUri ?? (await discovery.provider()).jwks_uri;
  }

  /**
   * The key that a token's header names, for `jwtVerify`. Rejects with jose's error if there is none or more than one,
   * and with `KeysUnavailable` if the keys cannot be fetched, or were fetched too short a time ago to look for another.
   */
  readonly keyFor: JWTVerifyGetKey = async (header, token) => {
    let wasCoolingDown = false;
    try {
      const keys = this.#keysAt(await this.#jwksUri());
      wasCoolingDown = keys.coolingDown;
      return await keys(header, token);
    } catch (error) {
      // It may have been published since: only a fetch could tell.
      if (wasCoolingDown && error instanceof errors.JWKSNoMatchingKey) throw this.#coolingDown();
      if (isAboutToken(error)) throw error;
      const { retryAfterS, wasAsked } =
        error instanceof KeysUnavailable && !error.wasAsked
          ? error
          : { retryAfterS: this.#floor.openInS, wasAsked: true };
      const details = { cause: error, retryAfterS, wasAsked };
      throw new KeysUnavailable('The keys of the issuer cannot be fetched.', details);
    }
  };

  #coolingDown(): KeysUnavailable {
    const { clock, cooldownMs } = this.#times;
    const retryAfterS = secondsUntil(this.#fetchedAtMs + cooldownMs, clock.monotonic());
    return new KeysUnavailable('A token names an unknown key; the keys are too recent for another fetch.', {
      retryAfterS,
      wasAsked: false,
    });
  }

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
        const keys = await publishedJson(url, options.signal);
        if (isRecord(keys) && Array.isArray(keys['keys']) && keys['keys'].length > maxKeys) {
          throw new KeysUnavailable(`The issuer publishes more than ${maxKeys} keys.`);
        }
        this.#fetchedAtMs = this.#times.clock.monotonic();
        return Response.json(keys);
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
