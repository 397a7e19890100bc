import { hash } from 'node:crypto';
import type { Keys } from '../../store/keys.ts';
import { loadScript } from '../../store/script.ts';
import type { Store } from '../../store/store.ts';
import { StoreUnavailable } from '../../store/store-unavailable.ts';
import { Nonces } from './nonces.ts';

const takeProof = loadScript(new URL('./take_proof.lua', import.meta.url));

/** Requests a minute of a session whose proofs work once: each leaves its mark in the store until its nonce is too old. */
export const mostProofsAMinute = 120;
/** Of a hash: 64 bits. Who finds two proofs with the same one has refused a request of their own. */
const markLength = 11;

/** The proofs that were used: those of tokens whose `session_proof` is `once`. Rejects with `StoreUnavailable`. */
export class UsedProofs {
  readonly #store: Store;
  readonly #keys: Keys;

  constructor(store: Store, keys: Keys) {
    this.#store = store;
    this.#keys = keys;
  }

  /** Takes a proof of a session, with its `jti` and the minute of its nonce. `full`: too many in that minute. */
  async take(session: string, jti: string, minute: number): Promise<'taken' | 'used' | 'full'> {
    const mark = hash('sha256', jti, 'base64url').slice(0, markLength);
    const keys = [this.#keys.proofs(`${session}:${minute}`)];
    const reply = await this.#store.run(takeProof, keys, [mark, mostProofsAMinute, Nonces.endOf(minute)]);
    if (reply === 'taken' || reply === 'used' || reply === 'full') return reply;
    throw new StoreUnavailable('The store gave an answer that take_proof.lua does not give.');
  }
}
