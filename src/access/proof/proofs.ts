import { Refusal, type RefusedCaller, retryAfter, secondsUntil } from '../../base/refusal.ts';
import type { Identity, Principal, ProofRule } from '../../identity/records/identity.ts';
import { ChecksUnderWay, maxChecksUnderWay } from './checks-under-way.ts';
import { nonceMs, type Nonces } from './nonces.ts';
import { ProofKeys } from './proof-keys.ts';
import { invalidProof, isProblem, type ProofProblem, proofRefusal, sentWrongly } from './proof-problem.ts';
import { type ProvableRequest, type ReadProof, readProof } from './read-proof.ts';
import { mostProofsAMinute, type UsedProofs } from './used-proofs.ts';

/** How far the clock of a page may be off, if no nonce says when its proof was made. */
const maxSkewS = 120;

/** What a request has proven. */
export interface Proven {
  rule: ProofRule;
  /** The nonce for the next proof; null if none is asked for, or the last one is still handed out. */
  nextNonce: string | null;
}

interface ProofsOptions {
  /** Where pages reach this gateway; empty: at the Host of their request. */
  publicUrls: readonly string[];
  onDyno: boolean;
  /** The store's clock, the same for all processes, ms. */
  nowMs: () => number;
  nonces: Pick<Nonces, 'current' | 'minuteOf'>;
  used: Pick<UsedProofs, 'take'>;
}

/**
 * Checks proofs of possession (RFC 9449, DPoP): a page signs each request with its key, so that the text of its session is
 * worth nothing to others. What was proven by one request of a connection proves nothing for the next.
 */
export class Proofs {
  readonly #options: ProofsOptions;
  readonly #keys = new ProofKeys();
  readonly #underWay = new ChecksUnderWay();

  constructor(options: ProofsOptions) {
    this.#options = options;
  }

  /**
   * What a request has proven, or why it is refused; null if there was nothing to prove. `address`: its client's, so that a
   * thief elsewhere takes none of the holder's room. Rejects with `StoreUnavailable`.
   */
  async check(
    request: ProvableRequest,
    principal: Principal,
    address: string,
  ): Promise<Proven | Refusal | null> {
    const { identity, proof: rule } = principal;
    const caller = callerOf(identity);
    const byProof = /^dpop /i.test(request.headers.authorization ?? '');
    if (rule === null) return byProof ? sentWrongly(boundToNone, caller) : null; // or a proof that nobody asked for
    if (rule.jkt === null) return sentWrongly(unbound, caller);
    if (!byProof) return sentWrongly(asBearer, caller);
    const whose = `${identity.session?.id ?? ''} ${address}`;
    const checked = await this.#underWay.within(whose, () => this.#proven(request, principal, rule));
    return checked === 'full' ? tooManyAtOnce(caller) : checked;
  }

  /** What a request of a bound session has proven. */
  async #proven(
    request: ProvableRequest,
    { identity, credential }: Principal,
    rule: ProofRule,
  ): Promise<Proven | Refusal> {
    const caller = callerOf(identity);
    const proof = await readProof(request, { ...this.#options, keys: this.#keys, jkt: rule.jkt });
    if (isProblem(proof)) return proofRefusal(proof, caller);
    if (proof.ath !== credential.secretHash) {
      return proofRefusal(invalidProof('its ath must be the SHA-256 of the session, as base64url'), caller);
    }
    const timely = await this.#timely(proof, rule);
    if (isProblem(timely)) return proofRefusal(timely, caller);
    const { minute, nextNonce } = timely;
    if (!rule.once || minute === null) return { rule, nextNonce };
    switch (await this.#options.used.take(identity.session?.id ?? '', proof.jti, minute)) {
      case 'taken':
        return { rule, nextNonce };
      case 'used':
        return proofRefusal(invalidProof('it was used before; make a new one for each try'), caller);
      case 'full':
        return tooMany(secondsUntil((minute + 1) * nonceMs, this.#options.nowMs()), caller);
    }
  }

  /** The key that a request without a session has proven (RFC 9449, 5): its thumbprint. Rejects with `StoreUnavailable`. */
  async keyOf(
    request: ProvableRequest,
    rule: Pick<ProofRule, 'nonce'>,
  ): Promise<{ jkt: string; nextNonce: string | null } | ProofProblem> {
    const proof = await readProof(request, { ...this.#options, keys: this.#keys, jkt: null });
    if (isProblem(proof)) return proof;
    const timely = await this.#timely(proof, rule);
    return isProblem(timely) ? timely : { jkt: proof.jkt, nextNonce: timely.nextNonce };
  }

  /** When a proof was made, by its nonce if there must be one, else by the clock of the page. */
  async #timely(
    { iat, nonce }: ReadProof,
    rule: Pick<ProofRule, 'nonce'>,
  ): Promise<{ minute: number | null; nextNonce: string | null } | ProofProblem> {
    const { nonces, nowMs } = this.#options;
    if (!rule.nonce) return clockProblem(iat, nowMs()) ?? { minute: null, nextNonce: null };
    const minute = typeof nonce === 'string' ? await nonces.minuteOf(nonce) : null;
    const current = await nonces.current();
    if (minute === null) return nonceProblem(nonce, current);
    return { minute, nextNonce: nonce === current ? null : current };
  }
}

/**
 * Whether a refusal by this rule must be confirmed with the store: the token may ask for less by now. What a session is bound
 * to never changes.
 */
export function asksMore(rule: ProofRule | null): boolean {
  return rule !== null && (rule.jkt === null || rule.nonce);
}

/** Whether what was proven is all that a rule asks for, which may have changed meanwhile. */
export function covers(proven: Proven | null, { jkt, nonce, once }: ProofRule): boolean {
  if (proven === null) return false;
  const { rule } = proven;
  return rule.jkt === jkt && (rule.nonce || !nonce) && (rule.once || !once);
}

/** The refusal of a request whose session has had to prove more since it came in. */
export function proofChanged({ jkt }: ProofRule, { identity }: Principal): Refusal {
  const caller = callerOf(identity);
  if (jkt === null) return sentWrongly(unbound, caller);
  const what = 'what this session must prove has changed; send the request again with a new one';
  return proofRefusal(invalidProof(what), caller);
}

const boundToNone = 'This session is bound to no key. Send it as "Authorization: Bearer tgs_…".';
const unbound =
  'Sessions of this token must be bound to a key of their page, and this one is not. Get a new one, with "cnf" or with a DPoP header.';
const asBearer =
  'This session is bound to a key of its page. Send it as "Authorization: DPoP tgs_…", with a proof by that key in the header DPoP.';

function clockProblem(iat: unknown, nowMs: number): ProofProblem | null {
  if (typeof iat !== 'number') return invalidProof('its iat must be the time, in seconds');
  const aheadS = Math.round(iat - nowMs / 1_000);
  if (Math.abs(aheadS) <= maxSkewS) return null;
  const off = `${Math.abs(aheadS)} s ${aheadS > 0 ? 'ahead of' : 'behind'} the gateway's clock`;
  return invalidProof(
    `its iat is ${off}, at most ${maxSkewS} s are allowed; make a new one, or set your clock`,
  );
}

function nonceProblem(given: unknown, nonce: string): ProofProblem {
  const what = given === undefined ? 'needs a nonce' : 'needs a newer nonce';
  const message = `The DPoP proof ${what}: make a new one with that of the header DPoP-Nonce.`;
  return { error: 'use_dpop_nonce', message, nonce };
}

function tooMany(afterS: number, caller: RefusedCaller): Refusal {
  const message = `This session may send ${mostProofsAMinute} requests a minute, since each of its proofs works once. Try again in ${afterS} s.`;
  return new Refusal('rate_limit_exceeded', message, { caller, headers: retryAfter(afterS) });
}

function tooManyAtOnce(caller: RefusedCaller): Refusal {
  const message = `This session has ${maxChecksUnderWay} proofs from your address checked at this moment, which is the most allowed. Try again shortly.`;
  return new Refusal('overloaded', message, { caller, headers: retryAfter(1) });
}

function callerOf({ team, user, token }: Identity): RefusedCaller {
  return { team: team.id, user: user.id, token: token.id };
}
