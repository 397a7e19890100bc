import type { Answers } from '../edge/answers.ts';
import { whileStale } from '../access/while-stale.ts';
import type { AuthThrottle } from '../access/auth-throttle.ts';
import { isProblem } from '../access/proof/proof-problem.ts';
import type { Proofs } from '../access/proof/proofs.ts';
import { actingAs, type AuditContextOf } from '../audit/context.ts';
import { okJson, type OperationDocs } from '../base/operation-docs.ts';
import { type ErrorCode, Refusal, retryAfter } from '../base/refusal.ts';
import type { TrustedIssuer } from '../config/issuer.ts';
import { type NewSession, personLimitsOf } from '../sessions/schema.ts';
import type { SessionStore } from '../sessions/session-store.ts';
import { StoreUnavailable } from '../store/store-unavailable.ts';
import type { FrontDoor } from '../edge/front-door.ts';
import type { Journal } from '../edge/journal.ts';
import type { Call } from '../edge/call.ts';
import type { Route } from '../edge/route.ts';
import type { MintedSession, SessionMinter } from '../sessions/minter.ts';
import { exchangeSchema, formSchema, readExchange } from './exchange-form.ts';
import type { IdTokenVerifier, VerifiedIdToken } from './id-token.ts';
import { invalidRequest, oauthErrorBody, refusalDocs, SignInRefusal } from './oauth-error.ts';
import { inOAuthWords, personOf, type PersonTokenDeps, sessionWithin, tokenOf } from './person-token.ts';
import { userIdFor } from '../identity/records/end-user.ts';

const maxBytes = 32_768;
/** An ID token is accepted for this long after its expiry, because clocks differ. */
const graceMs = 60_000;
/** How long the exchanges of an ID token are counted at most. */
const maxCountedMs = 30 * 86_400_000;

const docs: OperationDocs = {
  summary: 'Exchange an ID token of a trusted issuer for a session',
  details:
    'OAuth 2.0 token exchange (RFC 8693). With a proof in the header `DPoP`, the session is bound to the key of the page (RFC 9449). Errors have the shape of OAuth.',
  query: 'ignored', // RFC 6749, 3.2
  body: { schema: formSchema, required: true, mediaType: 'application/x-www-form-urlencoded' },
  answer: okJson(exchangeSchema),
  others: refusalDocs,
};

export interface SignInDeps extends PersonTokenDeps {
  frontDoor: FrontDoor;
  answers: Answers;
  journal: Journal;
  minter: Pick<SessionMinter, 'mint'>;
  sessions: SessionStore;
  verifier: IdTokenVerifier;
  auditContextOf: AuditContextOf;
  throttle: AuthThrottle;
  proofs: Pick<Proofs, 'keyOf'>;
  draining: () => boolean;
}

/**
 * `POST /oauth/token`: exchanges an ID token of a trusted issuer for a session (RFC 8693), without a back end. If no issuer
 * is trusted, there is no such route.
 */
export function signInRoutes(deps: SignInDeps): Route[] {
  return deps.verifier.hasIssuers ? [signInRoute(deps)] : [];
}

function signInRoute(deps: SignInDeps): Route {
  const { frontDoor, answers, journal, minter, sessions, throttle } = deps;

  /** Answers as OAuth has it, errors too. */
  async function exchange(call: Call): Promise<void> {
    const result = await sessionFor(call).catch(failed);
    if (result === null) return answers.leftEarly(call);
    if (result instanceof SignInRefusal) {
      if (result.cause !== undefined) journal.failed(result.cause);
      const refusal = limited(call, result);
      const code = refusal.status < 429 ? loggedCode(refusal) : null;
      const headers = {
        ...(refusal.retryAfterS === null ? {} : retryAfter(refusal.retryAfterS)),
        ...(refusal.nonce === null ? {} : { 'dpop-nonce': refusal.nonce }),
      };
      return answers.refuseWith(call, oauthErrorBody(refusal), { status: refusal.status, code, headers });
    }
    const body = {
      access_token: result.text,
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      token_type: result.record.cnf ? 'DPoP' : 'Bearer',
      expires_in: result.livesS,
    };
    answers.reply(call, { status: 200, body });
  }

  async function sessionFor(call: Call): Promise<MintedSession | SignInRefusal | null> {
    if (deps.draining())
      return new SignInRefusal('temporarily_unavailable', 'The gateway is restarting; try again.');
    const bytes = await frontDoor.body(call, maxBytes);
    if (bytes === null) return null;
    if (bytes instanceof Refusal)
      return bytes.status < 500 ? invalidRequest(bytes.message) : inOAuthWords(bytes);
    const idToken = readExchange(call.incoming.headers['content-type'], bytes.toString('utf8'));
    if (idToken instanceof SignInRefusal) return idToken;
    const verified = await deps.verifier.verify(idToken);
    if (verified instanceof SignInRefusal) return verified;
    // The audit trail names sign-in itself as the one who makes and changes users and tokens.
    return actingAs(deps.auditContextOf('sign-in', call.asking), () => signIn(call, verified));
  }

  async function signIn(call: Call, verified: VerifiedIdToken): Promise<MintedSession | SignInRefusal> {
    const { issuer, subject } = verified;
    const proven = await keyOf(call, issuer);
    if (proven instanceof SignInRefusal) return proven;
    const person = personOf(verified, deps.realModel);
    if (person instanceof SignInRefusal) return person;
    const tooOften = await countExchange(verified);
    if (tooOften) return tooOften;

    const parent = await tokenOf(deps, person);
    if (parent instanceof SignInRefusal) return parent;
    const minted = await whileStale({ refresh: () => tokenOf(deps, person) }, parent, ({ principal }) =>
      minter.mint(
        principal,
        { ...sessionWithin(issuer, principal, deps.realModel), ...proven },
        // Or whoever signs in three times would have three times the limit.
        { id: userIdFor(issuer.issuer, subject), limits: personLimitsOf(issuer.person) },
      ),
    );
    if (minted instanceof Refusal) return inOAuthWords(minted);
    const message = 'The team is being changed at this moment. Try again.';
    return minted ?? new SignInRefusal('temporarily_unavailable', message);
  }

  /** The key that its page proves to have, if it sends a proof or must; the session is bound to that (RFC 9449, 5). */
  async function keyOf(
    call: Call,
    { sessionProof }: TrustedIssuer,
  ): Promise<Pick<NewSession, 'cnf'> | SignInRefusal> {
    if (sessionProof === undefined && call.incoming.headers['dpop'] === undefined) return {};
    const nonce = sessionProof === 'nonce' || sessionProof === 'once';
    const proven = await deps.proofs.keyOf(call.incoming, { nonce });
    if (isProblem(proven)) return new SignInRefusal(proven.error, proven.message, { nonce: proven.nonce });
    call.nextNonce = proven.nextNonce;
    return { cnf: { jkt: proven.jkt } };
  }

  async function countExchange(verified: VerifiedIdToken): Promise<SignInRefusal | null> {
    const { issuer, replayKey, expiresAtMs } = verified;
    const untilMs = Math.min(expiresAtMs + graceMs, deps.clock.now() + maxCountedMs);
    if ((await sessions.countExchange(replayKey, Math.ceil(untilMs))) <= issuer.maxExchanges) return null;
    return invalidRequest(
      `This ID token was exchanged ${issuer.maxExchanges} times, which is the most allowed. Sign in again.`,
    );
  }

  /** Refused ID tokens count as refused credentials do everywhere. */
  function limited(call: Call, refusal: SignInRefusal): SignInRefusal {
    if (refusal.status >= 429 || isOfProof(refusal)) return refusal; // a key is not found by trying
    const counted = throttle.count(call.sender, new Refusal('invalid_token', refusal.description));
    return counted.code === 'invalid_token' ? refusal : inOAuthWords(counted);
  }

  return { path: '/oauth/token', methods: { POST: { docs, access: 'anyone', handle: exchange } } };
}

/** The log has one code for everything that is wrong with an ID token. */
function loggedCode(refusal: SignInRefusal): ErrorCode {
  return isOfProof(refusal) ? refusal.error : 'invalid_token';
}

function isOfProof(
  refusal: SignInRefusal,
): refusal is SignInRefusal & { error: 'invalid_dpop_proof' | 'use_dpop_nonce' } {
  return refusal.error === 'invalid_dpop_proof' || refusal.error === 'use_dpop_nonce';
}

function failed(error: unknown): SignInRefusal {
  if (error instanceof StoreUnavailable) {
    const message = error.told ?? 'The store cannot be used now; try again.';
    return new SignInRefusal('temporarily_unavailable', message);
  }
  return new SignInRefusal('server_error', 'Something went wrong in the gateway.', { cause: error });
}
