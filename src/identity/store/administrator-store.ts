import type { Administrator, AdministratorResolution } from '../records/administrator.ts';
import { AuditedStore } from '../../audit/audit.ts';
import { changeOf } from '../../audit/audit.ts';
import { loadScript } from '../../store/script.ts';
import { StoreUnavailable } from '../../store/store-unavailable.ts';

const resolveAdministrator = loadScript(new URL('./resolve_administrator.lua', import.meta.url));
const createAdministrator = loadScript(new URL('./create_administrator.lua', import.meta.url));
const deleteAdministrator = loadScript(new URL('./delete_administrator.lua', import.meta.url));

/**
 * Administrators, in hashes of their own: what finds a user's token can never find one of these. They are read at every
 * use and cached nowhere, so a deleted one is unknown from the next request on. Methods reject with `StoreUnavailable`.
 */
export class AdministratorStore extends AuditedStore {
  get #hashes(): readonly [records: string, secrets: string] {
    return [this.keys.admins, this.keys.adminSecrets];
  }

  /** The administrator behind a secret, by its full SHA-256, base64url. */
  async resolve(secretHash: string): Promise<AdministratorResolution> {
    const keys = [...this.#hashes, ...this.keys.guard];
    return resolutionFrom(await this.store.run(resolveAdministrator, keys, [secretHash]));
  }

  /** Stores a new one under its id; `exists` if the id or the secret is taken. */
  async create(administrator: Administrator, secretHash: string): Promise<'created' | 'exists'> {
    const { id } = administrator;
    const text = JSON.stringify(administrator);
    const reply = await this.changes.run(createAdministrator, {
      keys: this.#hashes,
      args: [id, text, secretHash],
      change: changeOf({ kind: 'administrator', team: null, id }, null, text),
    });
    if (reply === 'created' || reply === 'exists') return reply;
    throw new StoreUnavailable('The store gave an answer that create_administrator.lua does not give.');
  }

  /** The administrator with this id, or null. */
  async read(id: string): Promise<Administrator | null> {
    const text = await this.store.attempt((client) => client.hget(this.keys.admins, id));
    return text === null ? null : parse(text);
  }

  /** All of them, ordered by id. */
  async list(): Promise<Administrator[]> {
    const records = await this.store.attempt((client) => client.hgetall(this.keys.admins));
    return Object.entries(records)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, text]) => parse(text));
  }

  /** The ids of all of them, in no order. */
  ids(): Promise<string[]> {
    return this.store.attempt((client) => client.hkeys(this.keys.admins));
  }

  /** Those of `ids` that there are, in this order. */
  async readSome(ids: readonly string[]): Promise<Administrator[]> {
    if (ids.length === 0) return [];
    const texts = await this.store.attempt((client) => client.hmget(this.keys.admins, ...ids));
    return texts.flatMap((text) => (text === null ? [] : [parse(text)]));
  }

  /** Removes one with its secret; false if there is none. Works in a full store. */
  async delete(id: string): Promise<boolean> {
    // What it was, for the trail: administrators never change.
    const text = await this.store.attempt((client) => client.hget(this.keys.admins, id));
    if (text === null) return false;
    const reply = await this.changes.run(deleteAdministrator, {
      keys: this.#hashes,
      args: [id],
      change: changeOf({ kind: 'administrator', team: null, id }, text, null),
    });
    return reply === 1;
  }
}

function resolutionFrom(reply: unknown): AdministratorResolution {
  if (!Array.isArray(reply) || reply.length < 1 || reply.length > 2) {
    throw new StoreUnavailable('The store gave an answer that resolve_administrator.lua does not give.');
  }
  const [now, text] = reply.map(String);
  return { nowMs: Number(now), administrator: text === undefined ? null : parse(text) };
}

/** The texts are this store's own, written as this type. */
function parse(text: string): Administrator {
  return JSON.parse(text) as Administrator;
}
