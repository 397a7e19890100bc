import { z } from 'zod';
import type { ClaimStore } from './claim-store.ts';
import { Refusal } from '../base/refusal.ts';
import { type LinkEvent, linkMark, type SecretUse } from '../identity/records/secret.ts';
import { displayLength } from '../identity/records/token-text.ts';
import { StoreUnavailable } from '../store/store-unavailable.ts';
import { hashOf, isCode, newCode, seal, unseal } from './sealed.ts';

const livesMs = 3_600_000;

const text = z.string();

/** What a claim link shows once; `token` is the secret itself. */
export const claimedToken = z.object({ id: text, token: text, team: text, user: text });
export type ClaimedToken = z.infer<typeof claimedToken>;

interface ClaimLinksOptions {
  store: ClaimStore;
  /** The text before `/claim/…`: the gateway's address, by the request's Host; '' if there is none. */
  origin: (host: string | undefined) => string;
  /** Notes what became of a link, for the administrator who looks at the token. */
  note: (event: LinkEvent, of: ClaimedToken) => Promise<void>;
}

/** Links that show a token once, for an hour. Methods reject with `StoreUnavailable`. */
export class ClaimLinks {
  readonly #store: ClaimStore;
  readonly #origin: ClaimLinksOptions['origin'];
  readonly #note: ClaimLinksOptions['note'];

  constructor({ store, origin, note }: ClaimLinksOptions) {
    this.#store = store;
    this.#origin = origin;
    this.#note = note;
  }

  /** Makes a link. `host`: the request's Host; if it is undefined, the link is a path. */
  async make(claimed: ClaimedToken, host: string | undefined): Promise<{ url: string; expiresAtMs: number }> {
    const code = newCode();
    const sealed = seal(code, JSON.stringify(claimed));
    const { team, id: tokenId } = claimed;
    const expiresAtMs = await this.#store.put(hashOf(code), { sealed, livesMs, team, tokenId });
    await this.#tryToNote('link-made', claimed);
    return { url: `${this.#origin(host)}/claim/${code}`, expiresAtMs };
  }

  /** Until when a token waits under a code, ms; or why there is none. Changes nothing: previews come here too. */
  async look(code: string): Promise<number | Refusal> {
    if (!isCode(code)) return unknown();
    const state = await this.#store.look(hashOf(code));
    if (state.kind === 'none') return unknown();
    return state.kind === 'waiting' ? state.expiresAtMs : opened(state.atMs);
  }

  /** The token, the first time. */
  async open(code: string): Promise<ClaimedToken | Refusal> {
    if (!isCode(code)) return unknown();
    const codeHash = hashOf(code);
    // Only the code says whose token it is, so it is read before it is taken out.
    const found = await this.#store.look(codeHash);
    if (found.kind === 'none') return unknown();
    if (found.kind === 'opened') return opened(found.atMs);
    const claimed = JSON.parse(unseal(code, found.sealed)) as ClaimedToken; // sealed above, from this type
    const state = await this.#store.open(codeHash, claimed);
    if (state.kind === 'none') return unknown();
    if (state.kind === 'opened') return opened(state.atMs);
    await this.#tryToNote('link-opened', claimed);
    return claimed;
  }

  /** A full store must not take the token back that was just opened. */
  async #tryToNote(event: LinkEvent, claimed: ClaimedToken): Promise<void> {
    await this.#note(event, claimed).catch((error: unknown) => {
      if (!(error instanceof StoreUnavailable)) throw error;
    });
  }
}

/** A link's event as it is noted, beside the uses of its secret. */
export function linkUse(event: LinkEvent, { team, id, token }: ClaimedToken, atMs: number): SecretUse {
  return { team, token: id, prefix: linkMark(event, token.slice(0, displayLength)), atMs };
}

function unknown(): Refusal {
  return new Refusal(
    'not_found',
    'There is no token under this link. It has expired (after an hour), or the link is incomplete. Ask your administrator for a new one.',
  );
}

function opened(atMs: number): Refusal {
  return new Refusal(
    'already_claimed',
    `This link was opened at ${new Date(atMs).toISOString()}, and it shows its token only once. If that was not you, tell your administrator at once, so that the token can be revoked.`,
  );
}
