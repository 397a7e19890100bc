import type { AdministratorRole } from '../../base/actor.ts';

/** An administrator as it is stored, and shown by the admin API. Times are RFC 3339 UTC. */
export interface Administrator {
  /** `adm_…` */
  id: string;
  name: string | null;
  role: AdministratorRole;
  /** The teams it is limited to; null: all of them. */
  teams: string[] | null;
  /** The first characters of the secret, enough for a person to tell tokens apart. */
  prefix: string;
  expires_at: string | null;
  created_at: string;
}

/** What the store knows of an administrator's secret. */
export interface AdministratorResolution {
  /** Null when unknown, or deleted. One that has expired is still given. */
  administrator: Administrator | null;
  /** The store's clock when it answered, ms. */
  nowMs: number;
}

/**
 * Administrators and the hashes of their secrets. They are read at every use and kept in no cache, so that one
 * deleted is unknown from the next request on, everywhere. Methods reject with `StoreUnavailable`.
 */
export interface AdministratorStore {
  /** The administrator behind a secret, by its full SHA-256, base64url. */
  resolve(secretHash: string): Promise<AdministratorResolution>;
  /** Stores a new one under its id; `exists` where the id or the secret is taken. */
  create(administrator: Administrator, secretHash: string): Promise<'created' | 'exists'>;
  /** The administrator with this id, or null. */
  read(id: string): Promise<Administrator | null>;
  /** All of them, ordered by id. */
  list(): Promise<Administrator[]>;
  /** Removes one with its secret; false where there is none. Works in a full store. */
  delete(id: string): Promise<boolean>;
}
