import { forwardedAddress } from '../base/client-address.ts';
import { actorName, type Origin } from './audit.ts';
import type { Actor } from '../base/actor.ts';

/** A request that may change something. */
export interface Asking {
  requestId: string;
  forwardedFor: string | string[] | undefined;
}

/** On whose behalf a request makes changes, as the audit trail names it. */
export class Origins {
  readonly #onDyno: boolean;

  /** Only a router that appends to `X-Forwarded-For` makes its last address one to believe. */
  constructor({ onDyno }: { onDyno: boolean }) {
    this.#onDyno = onDyno;
  }

  administrator(actor: Actor, asking: Asking): Origin {
    return this.#of(actorName(actor), asking);
  }

  /** Whoever has a token, for their own. */
  holder(tokenId: string, asking: Asking): Origin {
    return this.#of(tokenId, asking);
  }

  signIn(asking: Asking): Origin {
    return this.#of('sign-in', asking);
  }

  #of(actor: string, { requestId, forwardedFor }: Asking): Origin {
    return { actor, address: this.#onDyno ? forwardedAddress(forwardedFor) : null, requestId };
  }
}
