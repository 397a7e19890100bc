import { randomBytes } from 'node:crypto';
import { AuditedStore } from '../../audit/audit.ts';
import { changeOf } from '../../audit/audit.ts';
import { ownerName } from '../records/archive.ts';
import type { TokenKey } from '../records/identity.ts';
import { nowMsOf } from '../../store/store.ts';
import { loadScript } from '../../store/script.ts';
import { boundSecrets, type LastUses, type Rotation, type SecretUse } from '../records/secret.ts';

const rotateSecret = loadScript(new URL('./rotate_secret.lua', import.meta.url));
const countRotation = loadScript(new URL('./count_rotation.lua', import.meta.url));
const noteUses = loadScript(new URL('./note_uses.lua', import.meta.url));

const usesPerCall = 200;

/** The secrets of tokens: what rotation needs beside `IdentityStore`. Methods reject with `StoreUnavailable`. */
export class SecretStore extends AuditedStore {
  /** The hashes of the secrets bound to a token, newest first, and the store's clock, ms. */
  async bound(key: TokenKey): Promise<{ nowMs: number; hashes: string[] }> {
    const [time, hashes] = await this.store.attempt((client) =>
      Promise.all([client.time(), client.hget(this.keys.secrets, ownerName(key))]),
    );
    return { nowMs: nowMsOf(time), hashes: hashes?.split(' ') ?? [] };
  }

  /** Binds a new secret and replaces the record in one step, if the record is unchanged. Moves the epoch. */
  async rotate(key: TokenKey, rotation: Rotation): Promise<'replaced' | 'conflict'> {
    const { tokens, epochs, secrets } = this.keys;
    const { team, id } = key;
    const { expected, next, secretHash } = rotation;
    const epoch = randomBytes(12).toString('base64url');
    const reply = await this.changes.run(rotateSecret, {
      keys: [tokens(team), epochs, secrets],
      args: [team, id, expected, next, epoch, secretHash, boundSecrets],
      change: changeOf({ kind: 'token', team, id }, expected, next),
    });
    return reply === 1 ? 'replaced' : 'conflict';
  }

  /** Counts a rotation by the holder: whether it is allowed, and when the next one is, ms. */
  async countRotation(
    key: TokenKey,
    perHour: number,
  ): Promise<{ ok: boolean; freeAtMs: number; nowMs: number }> {
    const reply = await this.store.run(countRotation, [this.keys.rotations(ownerName(key))], [perHour]);
    const [now, ok, freeAt] = texts(reply);
    return { ok: ok === '1', freeAtMs: Number(freeAt), nowMs: Number(now) };
  }

  /** Stores uses, except of tokens that are gone and uses older than the one known. Does not move the epoch. */
  async noteUses(uses: readonly SecretUse[]): Promise<void> {
    const { tokens, used } = this.keys;
    for (let from = 0; from < uses.length; from += usesPerCall) {
      const some = uses.slice(from, from + usesPerCall);
      const args = some.map(({ team, token, prefix, atMs }) => `${team}\n${token}\n${prefix}\n${atMs}`);
      await this.store.run(noteUses, [], [tokens(''), used(''), ...args]);
    }
  }

  /** The last uses of a team's tokens, in the order of their ids. */
  async lastUses(team: string, tokens: readonly string[]): Promise<LastUses[]> {
    if (tokens.length === 0) return [];
    const key = this.keys.used(team);
    const found = await this.store.attempt((client) => client.hmget(key, ...tokens));
    return tokens.map((_, n) => usesIn(found[n] ?? ''));
  }
}

/** `prefix time prefix time`, as note_uses.lua writes it. */
function usesIn(text: string): LastUses {
  return new Map([...text.matchAll(/(\S+) (\d+)/g)].map(([, prefix = '', time]) => [prefix, Number(time)]));
}

function texts(reply: unknown): string[] {
  return Array.isArray(reply) ? reply.map(String) : [];
}
