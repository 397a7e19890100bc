import { z } from 'zod';
import type { Clock } from '../base/clock.ts';
import { isTrustworthyUrl } from '../config/issuer.ts';
import { AttemptFloor, KeysUnavailable } from './keys-unavailable.ts';
import { publishedJson } from './published-json.ts';

/** The part of a provider's configuration that is needed: OIDC Discovery 1.0, section 3. */
const metadata = z.object({ issuer: z.string(), jwks_uri: z.string() });

export interface FetchTimes {
  readonly clock: Clock;
  /** For one fetch, its body included. */
  readonly timeoutMs: number;
  /** The least time between two fetches of the same thing. */
  readonly floorMs: number;
  readonly cacheMaxAgeMs: number;
}

/** Finds where the keys of an issuer are: OIDC Discovery 1.0. What was found is kept for `cacheMaxAgeMs`. */
export class Discovery {
  readonly #issuer: string;
  readonly #times: FetchTimes;
  readonly #floor: AttemptFloor;
  #found: { readonly jwksUri: string; readonly untilMs: number } | null = null;
  #pending: Promise<string> | null = null;

  constructor(issuer: string, times: FetchTimes) {
    this.#issuer = issuer;
    this.#times = times;
    this.#floor = new AttemptFloor(times.clock, times.floorMs);
  }

  /** The `jwks_uri`. Concurrent callers share one fetch. Rejects if it cannot be fetched or trusted. */
  async jwksUri(): Promise<string> {
    const { clock } = this.#times;
    if (this.#found !== null && clock.monotonic() < this.#found.untilMs) return this.#found.jwksUri;
    this.#pending ??= this.#discover().finally(() => {
      this.#pending = null;
    });
    return await this.#pending;
  }

  async #discover(): Promise<string> {
    const { clock, timeoutMs, cacheMaxAgeMs } = this.#times;
    this.#floor.begin();
    const document = await publishedJson(configurationUrl(this.#issuer), AbortSignal.timeout(timeoutMs));
    const { issuer, jwks_uri: jwksUri } = metadata.parse(document);
    // Section 4.3: otherwise whoever serves the document could speak for another issuer.
    if (issuer !== this.#issuer) throw new KeysUnavailable('Discovery names another issuer.');
    if (!isTrustworthyUrl(jwksUri)) throw new KeysUnavailable('The jwks_uri of discovery is not https.');
    this.#found = { jwksUri, untilMs: clock.monotonic() + cacheMaxAgeMs };
    return jwksUri;
  }
}

/** A slash at the end of the issuer is dropped: OIDC Discovery 1.0, section 4. */
function configurationUrl(issuer: string): string {
  return `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
}
