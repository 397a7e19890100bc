import { isDeepStrictEqual } from 'node:util';
import type { Answers } from '../edge/answers.ts';
import type { Authenticated, Authenticator } from '../access/authenticator.ts';
import type { AuthThrottle } from '../access/auth-throttle.ts';
import { forwardedAddress } from '../base/client-address.ts';
import { actingAs } from '../audit/context.ts';
import { type DocumentedOperation, okJson } from '../base/operation-docs.ts';
import type { Credential, Token } from '../identity/records/identity.ts';
import type { RealModel } from '../base/model.ts';
import { withRealModels } from '../identity/records/aliases.ts';
import { Refusal } from '../base/refusal.ts';
import type { SessionStore } from '../sessions/session-store.ts';
import { StoreUnavailable } from '../store/store-unavailable.ts';
import type { FrontDoor } from '../edge/front-door.ts';
import type { Journal } from '../edge/journal.ts';
import type { AuditContextOf } from '../audit/context.ts';
import type { Call } from '../edge/call.ts';
import { sessionPolicyOf } from '../sessions/schema.ts';
import type { MintedSession, SessionMinter } from '../sessions/minter.ts';
import { limitsWithin } from '../sessions/narrow.ts';
import type { NewSession } from '../sessions/schema.ts';
import { exchangeSchema, formSchema, readExchange } from './exchange-form.ts';
import type { IdTokenVerifier, VerifiedIdToken } from './id-token.ts';
import { refusalDocs, oauthErrorBody, SignInRefusal } from './oauth-error.ts';
import { adjust, isUserOf, type Person, provide, release, signInKey, type TokenPolicy } from './provision.ts';
import type { IdentityDeps } from '../identity/operations/records.ts';
import { teamFor } from './rules.ts';

const maxBytes = 32_768;
const maxReadings = 3;
/** An ID token is accepted a little beyond its expiry, since clocks differ, so its exchanges are counted longer too. */
const graceMs = 60_000;
/** The longest time for which exchanges are counted. */
const maxCountedMs = 30 * 86_400_000;

export const signInDocs: DocumentedOperation = {
  docs: {
    summary: 'Exchange an ID token of a trusted issuer for a session',
    details: 'OAuth 2.0 token exchange (RFC 8693); errors are in the shape of OAuth.',
    body: { schema: formSchema, required: true, mediaType: 'application/x-www-form-urlencoded' },
    answer: okJson(exchangeSchema),
    others: refusalDocs,
  },
  access: 'anyone',
};

export interface SignInParts extends IdentityDeps {
  frontDoor: FrontDoor;
  answers: Answers;
  journal: Journal;
  authenticator: Authenticator;
  minter: SessionMinter;
  sessions: SessionStore;
  verifier: IdTokenVerifier;
  auditContextOf: AuditContextOf;
  realModel: RealModel;
  refused: AuthThrottle | null;
  nowMs: () => number;
  draining: () => boolean;
}

/** `POST /oauth/token`: an ID token of a trusted issuer becomes a session (RFC 8693), without a back end. */
export class SignInRoute {
  readonly #parts: SignInParts;

  constructor(parts: SignInParts) {
    this.#parts = parts;
  }

  /** Answers as OAuth does, errors included. */
  async exchange(call: Call): Promise<void> {
    const { answers, journal } = this.#parts;
    const result = await this.#exchange(call).catch((error: unknown) => this.#failed(error));
    if (result === null) return answers.leftEarly(call);
    if (result instanceof SignInRefusal) {
      if (result.cause !== undefined) journal.failed(result.cause);
      const refusal = this.#limited(call, result);
      // The log has one code for everything that is wrong with an ID token.
      const code = refusal.status < 429 ? 'invalid_token' : null;
      return answers.refuseWith(call, oauthErrorBody(refusal), { status: refusal.status, code });
    }
    answers.answer(call, {
      access_token: result.text,
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      token_type: 'Bearer',
      expires_in: result.livesS,
    });
  }

  async #exchange(call: Call): Promise<MintedSession | SignInRefusal | null> {
    const { frontDoor, draining, verifier } = this.#parts;
    if (draining())
      return new SignInRefusal('temporarily_unavailable', 'The gateway is restarting; try again.');
    const bytes = await frontDoor.body(call, maxBytes);
    if (bytes === null) return null;
    if (bytes instanceof Refusal) return new SignInRefusal('invalid_request', bytes.message);
    const contentType = call.incoming.headers['content-type'];
    const form = readExchange({ contentType, body: bytes.toString('utf8') });
    if (form instanceof SignInRefusal) return form;
    const verified = await verifier.verify(form.subjectToken);
    if (verified instanceof SignInRefusal) return verified;
    // The actor of changes that a sign-in makes is `sign-in`.
    return actingAs(this.#parts.auditContextOf('sign-in', call.asking), () => this.#signIn(verified));
  }

  async #signIn(verified: VerifiedIdToken): Promise<MintedSession | SignInRefusal> {
    const { issuer, subject, claims } = verified;
    const team = teamFor(issuer, claims);
    if (team instanceof SignInRefusal) return team;
    const tooOften = await this.#count(verified);
    if (tooOften) return tooOften;

    // With aliases resolved, as in the token it is compared with.
    const wanted = withRealModels(sessionPolicyOf(issuer.session), this.#parts.realModel);
    const person: Person = { issuer, subject, claims, team, policy: tokenPolicy(wanted) };
    for (let reading = 0; reading < maxReadings; reading += 1) {
      const parent = await this.#parentOf(person);
      if (parent instanceof SignInRefusal) return parent;
      const limits = limitsWithin(wanted.limits ?? [], parent.principal.limits);
      const minted = await this.#parts.minter.mint(parent.principal, { ...wanted, limits });
      if (minted instanceof Refusal) return inOAuthWords(minted);
      if (minted !== 'stale') return minted;
    }
    return new SignInRefusal(
      'temporarily_unavailable',
      'The team is being changed at this moment. Try again.',
    );
  }

  /** The token that the person's sessions belong to, as the store knows it now. */
  async #parentOf(person: Person): Promise<Authenticated | SignInRefusal> {
    const { authenticator } = this.#parts;
    const credential: Credential = { secretHash: signInKey(person), session: null };
    let found = await authenticator.refresh(credential);
    if (!(found instanceof Refusal) && !isUserOf(found.principal.identity.user, person)) {
      const refusal = await release(this.#parts, found.principal.identity.token);
      if (refusal) return inOAuthWords(refusal);
      found = await authenticator.refresh(credential);
    }
    if (found instanceof Refusal && found.code === 'invalid_token') {
      const refusal = await provide(this.#parts, person);
      if (refusal) return refusal;
      found = await authenticator.refresh(credential);
    }
    if (found instanceof Refusal) return inOAuthWords(found);
    const { token } = found.principal.identity;
    if (isDeepStrictEqual(tokenPolicy(token), person.policy)) return found;
    const adjusted = await adjust(this.#parts, person, token);
    if (adjusted instanceof Refusal) return inOAuthWords(adjusted);
    const refreshed = await authenticator.refresh(credential);
    return refreshed instanceof Refusal ? inOAuthWords(refreshed) : refreshed;
  }

  async #count({ issuer, replayKey, expiresAtMs }: VerifiedIdToken): Promise<SignInRefusal | null> {
    const { sessions, nowMs } = this.#parts;
    const untilMs = Math.min(expiresAtMs + graceMs, nowMs() + maxCountedMs);
    if ((await sessions.countExchange(replayKey, Math.ceil(untilMs))) <= issuer.maxExchanges) return null;
    return new SignInRefusal(
      'invalid_request',
      `This ID token was exchanged ${issuer.maxExchanges} times, which is the maximum. Sign in again.`,
    );
  }

  /** Slows down callers who guess tokens, as everywhere. */
  #limited(call: Call, refusal: SignInRefusal): SignInRefusal {
    const { refused } = this.#parts;
    const address = refused && forwardedAddress(call.incoming.headers['x-forwarded-for']);
    if (!refused || !address || refusal.status >= 429) return refusal;
    const counted = refused.count(address, new Refusal('invalid_token', refusal.description));
    return counted.code === 'invalid_token' ? refusal : inOAuthWords(counted);
  }

  #failed(error: unknown): SignInRefusal {
    if (error instanceof StoreUnavailable) {
      return new SignInRefusal('temporarily_unavailable', 'The store cannot be used now; try again.');
    }
    return new SignInRefusal('server_error', 'Something went wrong in the gateway.', { cause: error });
  }
}

function tokenPolicy({ models, endpoints, origins, tools }: NewSession | Token): TokenPolicy {
  return {
    models: models ?? null,
    endpoints: endpoints ?? null,
    origins: origins ?? null,
    tools: tools ?? null,
  };
}

function inOAuthWords({ code, message, status }: Refusal): SignInRefusal {
  if (code === 'rate_limit_exceeded') return new SignInRefusal('slow_down', message);
  if (status >= 500) return new SignInRefusal('temporarily_unavailable', message);
  // The parent exists: it was revoked, or is narrower than its issuer's entry.
  return new SignInRefusal('access_denied', message);
}
