import { z } from 'zod';
import type { Clock } from '../base/clock.ts';
import { isTrustworthyUrl } from '../config/issuer.ts';
import { AttemptFloor, KeysUnavailable } from './keys-unavailable.ts';
import { publishedJson } from './published-json.ts';

/**
 * The part of a provider's configuration that is needed: OIDC Discovery 1.0, section 3. What only the console's sign-in
 * needs may be missing, or be wrong.
 */
const metadata = z.object({
  issuer: z.string(),
  jwks_uri: z.string(),
  authorization_endpoint: z.string().optional().catch(undefined),
  token_endpoint: z.string().optional().catch(undefined),
  token_endpoint_auth_methods_supported: z.array(z.string()).optional().catch(undefined),
  /** RFC 9207, 3. */
  authorization_response_iss_parameter_supported: z.boolean().optional().catch(undefined),
});
export type ProviderMetadata = z.infer<typeof metadata>;

export interface FetchTimes {
  readonly clock: Clock;
  /** For one fetch, its body included. */
  readonly timeoutMs: number;
  /** The least time between two fetches of the same thing. */
  readonly floorMs: number;
  readonly cacheMaxAgeMs: number;
}

/** Finds where an issuer has its keys and endpoints: OIDC Discovery 1.0. What was found is kept for `cacheMaxAgeMs`. */
export class Discovery {
  readonly #issuer: string;
  readonly #times: FetchTimes;
  readonly #floor: AttemptFloor;
  #found: { readonly provider: ProviderMetadata; readonly untilMs: number } | null = null;
  #pending: Promise<ProviderMetadata> | null = null;

  constructor(issuer: string, times: FetchTimes) {
    this.#issuer = issuer;
    this.#times = times;
    this.#floor = new AttemptFloor(times.clock, times.floorMs);
  }

  /** What it publishes about itself. Concurrent callers share one fetch. Rejects if it cannot be fetched or trusted. */
  async provider(): Promise<ProviderMetadata> {
    const { clock } = this.#times;
    if (this.#found !== null && clock.monotonic() < this.#found.untilMs) return this.#found.provider;
    this.#pending ??= this.#discover().finally(() => {
      this.#pending = null;
    });
    return await this.#pending;
  }

  async #discover(): Promise<ProviderMetadata> {
    const { clock, timeoutMs, cacheMaxAgeMs } = this.#times;
    this.#floor.begin();
    const document = await publishedJson(configurationUrl(this.#issuer), AbortSignal.timeout(timeoutMs));
    const provider = metadata.parse(document);
    // Section 4.3: otherwise whoever serves the document could speak for another issuer.
    if (provider.issuer !== this.#issuer) throw new KeysUnavailable('Discovery names another issuer.');
    if (!isTrustworthyUrl(provider.jwks_uri))
      throw new KeysUnavailable('The jwks_uri of discovery is not https.');
    this.#found = { provider, untilMs: clock.monotonic() + cacheMaxAgeMs };
    return provider;
  }
}

/** A slash at the end of the issuer is dropped: OIDC Discovery 1.0, section 4. */
function configurationUrl(issuer: string): string {
  return `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
}
