import type { Clock } from '../../base/clock.ts';
import type { IdentityStore } from '../records/identity.ts';

/** A new token: its text, shown once, and what is kept of it. */
export interface Minted {
  text: string;
  secretHash: string;
  prefix: string;
}

/** What operations on identities need. */
export interface IdentityDeps {
  identities: IdentityStore;
  clock: Clock;
  /** Makes the text of a user's token. */
  mint: () => Minted;
  /** A random name of letters and digits, for limits and tokens; never twice the same. */
  randomId: () => string;
}
