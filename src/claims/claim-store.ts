import { AuditedStore } from '../audit/audit.ts';
import { argumentsOf } from '../events/outbox.ts';
import { loadScript } from '../store/script.ts';
import { StoreUnavailable } from '../store/store-unavailable.ts';

const putClaim = loadScript(new URL('./put_claim.lua', import.meta.url));
const openClaim = loadScript(new URL('./open_claim.lua', import.meta.url));

const openedMark = /^opened (\d+)$/;

/** What is under a code: a sealed token that waits, the time it was opened, or nothing (any more). */
type ClaimState =
  | { kind: 'waiting'; expiresAtMs: number; sealed: string }
  | { kind: 'opened'; atMs: number }
  | { kind: 'none' };

/** A token as it is stored under a code. Everything but `sealed` can be read without the code. */
export interface SealedClaim {
  sealed: string;
  livesMs: number;
  /** Whose it is, for the audit trail. */
  team: string;
  tokenId: string;
}

/** Sealed tokens by the hash of their code, each a key that expires. Methods reject with `StoreUnavailable`. */
export class ClaimStore extends AuditedStore {
  /** Stores a sealed token under a new code. Returns when it expires, by the store's clock, ms. */
  async put(codeHash: string, { sealed, livesMs, team, tokenId }: SealedClaim): Promise<number> {
    const key = this.keys.claim(codeHash);
    // The trail records that a link was made, and nothing of its content.
    const after = { lives_s: Math.round(livesMs / 1000) };
    const change = { kind: 'claim', team, id: tokenId, before: null, after } as const;
    await this.changes.run(putClaim, { keys: [key], args: [sealed, livesMs], change });
    return this.store.attempt((client) => client.pexpiretime(key));
  }

  /** What is under the code, without changing it. */
  async look(codeHash: string): Promise<ClaimState> {
    const key = this.keys.claim(codeHash);
    const [text, expiresAtMs] = await this.store.attempt((client) =>
      Promise.all([client.get(key), client.pexpiretime(key)]),
    );
    // The second command may already find it expired.
    if (text === null || expiresAtMs < 0) return { kind: 'none' };
    const opened = openedMark.exec(text)?.[1];
    return opened === undefined
      ? { kind: 'waiting', expiresAtMs, sealed: text }
      : { kind: 'opened', atMs: Number(opened) };
  }

  /**
   * Takes the sealed token away, once, and tells that it was claimed: which one it is, only the code opens. The store
   * remembers for a day that it was opened. Works in a full store.
   */
  async open(
    codeHash: string,
    { team, id }: { team: string; id: string },
  ): Promise<{ kind: 'claimed' } | Exclude<ClaimState, { kind: 'waiting' }>> {
    const { claim, events } = this.keys;
    const event = argumentsOf({ type: 'token.claimed', team, data: { token: id } });
    const reply = await this.store.run(openClaim, [claim(codeHash), events], event);
    const [kind, text = ''] = Array.isArray(reply) ? reply.map(String) : [];
    switch (kind) {
      case 'opened':
        return { kind, atMs: Number(text) };
      case 'claimed':
      case 'none':
        return { kind };
      default:
        throw new StoreUnavailable('The store gave an answer that open_claim.lua does not give.');
    }
  }
}
