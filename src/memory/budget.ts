import { Account } from './account.ts';
import { type Bounds, type HolderKind, type Share, shareOf } from './shares.ts';

/** Idle accounts are forgotten when there are so many. */
const maxAccounts = 10_000;

/** The ids of a caller. */
export interface CallerIds {
  team: string;
  token: string;
  /** Null if the token itself is used. */
  session: string | null;
}

/**
 * The memory of this process, shared out: one account for each team, token and session, each administrator and each
 * client address. Many bodies and unread answers, each within its own limit, would otherwise add up to more than a dyno
 * has, and one caller could take all of it.
 */
export class MemoryBudget {
  readonly #gateway: Account;
  readonly #strangers: Account;
  readonly #bounds: Bounds;
  readonly #shares = new Map<HolderKind, Share>();
  /** By kind and id. */
  readonly #accounts = new Map<string, Account>();

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
    this.#gateway = new Account(this.#shareOf('gateway'));
    this.#strangers = new Account(this.#shareOf('strangers'));
  }

  /** All bytes of known callers. */
  get heldBytes(): number {
    return this.#gateway.bytes;
  }

  /** The account of a session, or of a token, within its team's. */
  caller({ team, token, session }: CallerIds): Account {
    return (
      this.#accounts.get(session ?? token) ??
      (session === null
        ? this.#opened(token, 'token', this.#team(team))
        : this.#opened(session, 'session', this.caller({ team, token, session: null })))
    );
  }

  administrator(id: string): Account {
    return this.#accounts.get(id) ?? this.#opened(id, 'administrator', this.#gateway);
  }

  /** What is held for an address whose credential is not known (yet). */
  stranger(address: string): Account {
    const id = `stranger ${address}`;
    return this.#accounts.get(id) ?? this.#opened(id, 'stranger', this.#strangers);
  }

  /** What known callers hold together at one address. */
  address(address: string): Account {
    const id = `address ${address}`;
    return this.#accounts.get(id) ?? this.#opened(id, 'address', null);
  }

  #team(team: string): Account {
    const id = `team ${team}`;
    return this.#accounts.get(id) ?? this.#opened(id, 'team', this.#gateway);
  }

  #opened(id: string, kind: HolderKind, parent: Account | null): Account {
    if (this.#accounts.size >= maxAccounts) this.#forgetIdle(parent);
    const account = new Account(this.#shareOf(kind), parent);
    this.#accounts.set(id, account);
    return account;
  }

  /** An account that is in use keeps those above it in use. `kept` is about to be. */
  #forgetIdle(kept: Account | null): void {
    for (const [id, account] of this.#accounts) {
      if (account.isIdle && !(kept?.isWithin(account) ?? false)) this.#accounts.delete(id);
    }
  }

  #shareOf(kind: HolderKind): Share {
    const share = this.#shares.get(kind) ?? shareOf(kind, this.#bounds);
    this.#shares.set(kind, share);
    return share;
  }
}
