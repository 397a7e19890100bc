import type { Authenticated } from '../access/authenticator.ts';
import type { Actor } from '../base/actor.ts';

/** Who uses the console, as it is known now. */
export type Who =
  | { kind: 'administrator'; actor: Actor; /** What the pages call them. */ name: string | null }
  | { kind: 'token'; caller: Authenticated };
