import { hash } from 'node:crypto';
import * as oauth from 'oauth4webapi';
import type { Clock } from '../base/clock.ts';
import { Refusal } from '../base/refusal.ts';
import { type ConsoleClient, isTrustworthyUrl, type TrustedIssuer } from '../config/issuer.ts';
import { Discovery, type ProviderMetadata } from '../sign-in/discovery.ts';
import type { IdTokenVerifier, VerifiedIdToken } from '../sign-in/id-token.ts';
import { SignInRefusal } from '../sign-in/oauth-error.ts';
import { boundedText } from '../upstream/fetch-json.ts';
import { away, failedExchange, misconfigured, ProviderTrouble, refusedAnswer } from './provider-trouble.ts';
import type { BegunSignIn } from './sign-in-cookie.ts';

/** For one fetch, its body included. */
const timeoutMs = 5_000;
/** The least time between two tries to find a provider that is away. */
const floorMs = 5_000;
const cacheMaxAgeMs = 600_000;
/** An ID token of 16 KiB with others beside it. */
const maxBytes = 131_072;

export interface OidcClientDeps {
  verifier: Pick<IdTokenVerifier, 'verify'>;
  clock: Clock;
}

/** The gateway as the client of one OpenID provider: authorization code with PKCE (OIDC Core 3.1, RFC 7636). */
export class OidcClient {
  /** Names the provider in paths, the same in every process. */
  readonly id: string;
  readonly label: string;
  readonly #issuer: TrustedIssuer;
  readonly #own: ConsoleClient;
  readonly #client: oauth.Client;
  readonly #discovery: Discovery;
  readonly #verifier: OidcClientDeps['verifier'];

  constructor(issuer: TrustedIssuer, own: ConsoleClient, { verifier, clock }: OidcClientDeps) {
    this.id = hash('sha256', issuer.issuer, 'hex').slice(0, 16);
    this.label = own.label;
    this.#issuer = issuer;
    this.#own = own;
    this.#client = { client_id: own.clientId };
    this.#discovery = new Discovery(issuer.issuer, { clock, timeoutMs, floorMs, cacheMaxAgeMs });
    this.#verifier = verifier;
  }

  /** Begins a sign-in: where to send the browser, and what to remember. Rejects with `ProviderTrouble`. */
  async begin(redirectUri: string): Promise<{ url: string; begun: BegunSignIn }> {
    const { authorize } = await this.#endpoints();
    const state = oauth.generateRandomState();
    const nonce = oauth.generateRandomNonce();
    const verifier = oauth.generateRandomCodeVerifier();
    const parameters = {
      response_type: 'code',
      client_id: this.#own.clientId,
      redirect_uri: redirectUri,
      scope: this.#own.scopes.join(' '),
      state,
      nonce,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    };
    const url = new URL(authorize); // with a query of its own, at some providers
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    return { url: url.href, begun: { provider: this.id, state, nonce, verifier, redirectUri } };
  }

  /**
   * Ends a sign-in with what the provider sent the browser back with. The ID token is for this client and this sign-in, and
   * its signature is the issuer's. Rejects with `ProviderTrouble`.
   */
  async finish(begun: BegunSignIn, answer: URLSearchParams): Promise<VerifiedIdToken | Refusal> {
    const { server, methods } = await this.#endpoints();
    const sent = this.#checked(server, answer, begun.state);
    if (sent instanceof Refusal) return sent;
    const idToken = await this.#exchange(server, { sent, begun, methods });
    if (idToken instanceof Refusal) return idToken;
    const verified = await this.#verifier.verify(idToken, [this.#own.clientId]);
    if (!(verified instanceof SignInRefusal)) return verified;
    if (verified.status < 500) return new Refusal('invalid_token', verified.description);
    throw away(this.label, verified.cause);
  }

  /** The state, and the issuer if the answer has one: RFC 9207. */
  #checked(
    server: oauth.AuthorizationServer,
    answer: URLSearchParams,
    state: string,
  ): URLSearchParams | Refusal {
    try {
      return oauth.validateAuthResponse(server, this.#client, answer, state);
    } catch (error) {
      return refusalIn(refusedAnswer(error, this.label));
    }
  }

  /** Exchanges the code for an ID token, whose claims are checked: issuer, client, nonce, times. */
  async #exchange(
    server: oauth.AuthorizationServer,
    { sent, begun, methods }: { sent: URLSearchParams; begun: BegunSignIn; methods: readonly string[] },
  ): Promise<string | Refusal> {
    try {
      const response = await oauth.authorizationCodeGrantRequest(
        server,
        this.#client,
        authenticationWith(this.#own.clientSecret, methods),
        sent,
        begun.redirectUri,
        begun.verifier,
        {
          signal: () => AbortSignal.timeout(timeoutMs),
          [oauth.customFetch]: boundedFetch,
          // Its protocol was checked: http is for this machine only.
          [oauth.allowInsecureRequests]: true,
        },
      );
      const expected = { expectedNonce: begun.nonce, requireIdToken: true };
      const { id_token: idToken } = await oauth.processAuthorizationCodeResponse(
        server,
        this.#client,
        response,
        expected,
      );
      return idToken ?? '';
    } catch (error) {
      return refusalIn(failedExchange(error, this.label));
    }
  }

  async #endpoints() {
    const provider = await this.#provider();
    const { authorization_endpoint: authorize, token_endpoint: token } = provider;
    if (authorize === undefined || token === undefined || ![authorize, token].every(isTrustworthyUrl)) {
      throw misconfigured(
        this.label,
        'its discovery document lacks an endpoint, or has one that is not https',
      );
    }
    const server: oauth.AuthorizationServer = {
      issuer: this.#issuer.issuer,
      token_endpoint: token,
      // Not what the provider says that it may sign with: what the issuer's entry says.
      id_token_signing_alg_values_supported: [...this.#issuer.algorithms],
      authorization_response_iss_parameter_supported:
        provider.authorization_response_iss_parameter_supported ?? false,
    };
    const { token_endpoint_auth_methods_supported: methods = [] } = provider;
    return { authorize, server, methods };
  }

  async #provider(): Promise<ProviderMetadata> {
    try {
      return await this.#discovery.provider();
    } catch (error) {
      throw away(this.label, error);
    }
  }
}

/** `client_secret_basic` is what a provider takes if it does not say (OIDC Discovery 1.0, 3). */
function authenticationWith(secret: string | null, methods: readonly string[]): oauth.ClientAuth {
  if (secret === null) return oauth.None();
  return methods.includes('client_secret_post')
    ? oauth.ClientSecretPost(secret)
    : oauth.ClientSecretBasic(secret);
}

function refusalIn(problem: Refusal | ProviderTrouble): Refusal {
  if (problem instanceof ProviderTrouble) throw problem;
  return problem;
}

/** Fetches an answer whole, if it is not too long. */
async function boundedFetch(
  url: string,
  options: oauth.CustomFetchOptions<'POST', URLSearchParams>,
): Promise<Response> {
  const response = await fetch(url, { ...options, body: options.body });
  const text = response.body === null ? '' : await boundedText(response.body, maxBytes);
  if (text === null) throw new Error('The answer of the provider is too large.');
  const { status, headers } = response;
  return new Response(text, { status, headers });
}
