import type { Authenticated, Authenticator } from '../access/authenticator.ts';
import { admitsNoOrigin, checkEndpoint, checkOrigin, maxBodyBytes } from '../access/policy.ts';
import { asksMore, covers, proofChanged, type Proofs } from '../access/proof/proofs.ts';
import type { SecretUses } from '../access/secret-uses.ts';
import { Refusal, restarting } from '../base/refusal.ts';
import type { Endpoint } from '../base/request.ts';
import type { Credential, Principal } from '../identity/records/identity.ts';
import type { MemoryBudget } from '../memory/budget.ts';
import { type BodyRead, declaresMore, readBody } from '../validation/read-body.ts';
import { askForBody, type Call } from './call.ts';

export interface FrontDoorParts {
  /** Browser origins of tokens that have no list of their own. */
  allowedOrigins: readonly string[];
  maxBodyBytes: number;
  authenticator: Pick<Authenticator, 'authenticate' | 'refresh'>;
  /** Checks that whoever sends a session has the key that it is bound to. */
  proofs: Pick<Proofs, 'check'>;
  /** Records every use of a known credential. */
  uses: Pick<SecretUses, 'note'>;
  budget: MemoryBudget;
  /** The client that a call comes from. */
  addressOf: (call: Call) => string;
  /** Whether the process is shutting down and takes no new work. */
  draining: () => boolean;
}

/** What a token's list of endpoints is checked against. */
type Guarded = Pick<Endpoint, 'path' | 'mustBeNamed'>;

/** The first steps of every operation of the data plane: authenticate the caller, check its origin, read the body. */
export class FrontDoor {
  readonly #parts: FrontDoorParts;

  constructor(parts: FrontDoorParts) {
    this.#parts = parts;
  }

  /**
   * Who calls, or why it may not call from this origin or use this endpoint. `endpoint` is null for operations that
   * every token may use, such as `/v1/me`. `freshly`: as the store knows the caller now. Rejects with
   * `StoreUnavailable`. Without a promise if the caller is cached and may go on, as nearly always.
   */
  authenticate(
    call: Call,
    endpoint: Guarded | null,
    { freshly = false } = {},
  ): Authenticated | Refusal | Promise<Authenticated | Refusal> {
    const { authenticator, draining } = this.#parts;
    if (draining()) return restarting();
    const caller = authenticator.authenticate(call.incoming.headers, call.incoming.socket);
    if (!freshly && !(caller instanceof Promise)) return this.#enter(call, endpoint, caller);
    return this.#lookedUp(caller, freshly).then((known) => this.#enter(call, endpoint, known));
  }

  /** The caller, once that is known; if `freshly`, as the store knows it now. */
  async #lookedUp(
    asked: Authenticated | Refusal | Promise<Authenticated | Refusal>,
    freshly: boolean,
  ): Promise<Authenticated | Refusal> {
    const caller = await asked;
    if (caller instanceof Refusal || caller.fresh || !freshly) return caller;
    return this.refresh(caller.principal.credential);
  }

  #enter(
    call: Call,
    endpoint: Guarded | null,
    caller: Authenticated | Refusal,
  ): Authenticated | Refusal | Promise<Authenticated | Refusal> {
    if (caller instanceof Refusal) return caller;
    if (caller.principal.proof !== null || call.incoming.headers['dpop'] !== undefined) {
      return this.#enterProven(call, endpoint, caller);
    }
    return this.#comeIn(call, endpoint, caller);
  }

  /** Before it is known: what an impostor sends must not count as the holder's. */
  async #enterProven(
    call: Call,
    endpoint: Guarded | null,
    caller: Authenticated,
  ): Promise<Authenticated | Refusal> {
    const { principal, fresh } = caller;
    const { proofs, addressOf } = this.#parts;
    const proven = await proofs.check(call.incoming, principal, addressOf(call));
    if (proven instanceof Refusal) {
      if (fresh || proven.status !== 401 || !asksMore(principal.proof)) return proven;
      const renewed = await this.refresh(principal.credential);
      return renewed instanceof Refusal ? renewed : this.#enterProven(call, endpoint, renewed);
    }
    call.proven = proven;
    call.nextNonce = proven?.nextNonce ?? null;
    return this.#comeIn(call, endpoint, caller);
  }

  #comeIn(
    call: Call,
    endpoint: Guarded | null,
    caller: Authenticated,
  ): Authenticated | Refusal | Promise<Authenticated | Refusal> {
    const { uses, budget } = this.#parts;
    call.principal = caller.principal;
    uses.note(caller.principal);
    const { team, token, session } = caller.principal.identity;
    const account = budget.caller({ team: team.id, token: token.id, session: session?.id ?? null });
    const full = call.chargedTo(account);
    if (full) return full;
    return this.confirm(caller, (principal) => this.entryRefusal(call, endpoint, principal));
  }

  /**
   * Why a principal may not call from this origin, use this endpoint, or send this query, or has not proven enough; null if
   * it may.
   */
  entryRefusal(call: Call, endpoint: Guarded | null, principal: Principal): Refusal | null {
    const { proof } = principal;
    if (proof !== null && !covers(call.proven, proof)) return proofChanged(proof, principal);
    return (
      this.#originRefusal(call, principal) ??
      (endpoint === null ? null : checkEndpoint(principal, endpoint)) ??
      (call.query === 'ignored' ? null : call.queryRefusal())
    );
  }

  /**
   * The gateway's own pages may use any token that a person gives them and that some page may use: the browser says that
   * they send the request.
   */
  #originRefusal(call: Call, principal: Principal): Refusal | null {
    const refusal = checkOrigin(principal, call.origin, this.#parts.allowedOrigins);
    if (refusal === null || call.incoming.headers['sec-fetch-site'] !== 'same-origin') return refusal;
    return admitsNoOrigin(principal) ? refusal : null;
  }

  /**
   * The caller if it passes the check. A cached principal is never refused: before a refusal, the check runs again
   * with what the store says now (invariant 5).
   */
  confirm(
    caller: Authenticated,
    check: (principal: Principal) => Refusal | null,
  ): Authenticated | Refusal | Promise<Authenticated | Refusal> {
    const refusal = check(caller.principal);
    if (!refusal) return caller; // without a promise: nearly every request ends here, twice
    if (caller.fresh) return refusal;
    return this.refresh(caller.principal.credential).then((fresh) =>
      fresh instanceof Refusal ? fresh : (check(fresh.principal) ?? fresh),
    );
  }

  /** The caller as the store knows it now. Rejects with `StoreUnavailable`. */
  refresh(credential: Credential): Promise<Authenticated | Refusal> {
    return this.#parts.authenticator.refresh(credential);
  }

  /** The body of a request to be forwarded, at most as large as its caller may send; null if the caller left. */
  forwardedBody(call: Call, caller: Authenticated): Promise<Buffer | Refusal | null> {
    const { session } = caller.principal.identity;
    return session === null ? this.body(call, this.#parts.maxBodyBytes) : this.#sessionsBody(call, caller);
  }

  async #sessionsBody(call: Call, caller: Authenticated): Promise<Buffer | Refusal | null> {
    const bytes = await this.body(call, await this.#maxBodyBytes(call, caller));
    if (bytes instanceof Refusal) await this.#refreshSession(caller);
    return bytes;
  }

  /** The body, at most `maxBytes`; null if the caller left before it was in. */
  body(call: Call, maxBytes: number): Promise<Buffer | Refusal | null> {
    const { budget, addressOf } = this.#parts;
    const { incoming, holding } = call;
    const full = holding.hasAccount ? null : call.chargedTo(budget.stranger(addressOf(call)));
    if (full) return Promise.resolve(full);
    if (mayBeLarge(incoming)) this.countAtAddress(call);
    if (!declaresMore(incoming, maxBytes)) askForBody(call);
    return readBody({ incoming, maxBytes, holding }).then((read) => bodyIn(call, read));
  }

  /** What the call holds counts for its client's address, too: it may be much. */
  countAtAddress(call: Call): void {
    const { budget, addressOf } = this.#parts;
    call.holding.countAt(budget.address(addressOf(call)));
  }

  /** A session's limit may have been raised since its parent was cached. */
  #maxBodyBytes(call: Call, { principal, fresh }: Authenticated): number | Promise<number> {
    const max = maxBodyBytes(principal, this.#parts.maxBodyBytes);
    const declared = Number(call.incoming.headers['content-length'] ?? 0);
    if (fresh || declared <= max) return max;
    return this.refresh(principal.credential).then((renewed) =>
      renewed instanceof Refusal ? max : maxBodyBytes(renewed.principal, this.#parts.maxBodyBytes),
    );
  }

  /** A body that did not declare its size was read within an old limit; the next one gets the current limit. */
  async #refreshSession({ principal: { credential }, fresh }: Authenticated): Promise<void> {
    if (!fresh) await this.refresh(credential);
  }
}

function bodyIn(call: Call, read: BodyRead): Buffer | Refusal | null {
  switch (read.kind) {
    case 'complete':
      call.arrived(read.bytes.length);
      return read.bytes;
    case 'refused':
      return read.refusal;
    case 'gone':
      return null;
  }
}

/** Bodies below this are counted for the token and its team alone. */
const largeBodyBytes = 65_536;

function mayBeLarge({ headers }: Call['incoming']): boolean {
  return !(Number(headers['content-length']) <= largeBodyBytes);
}
