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

/** What the store knows about an administrator's secret. */
export interface AdministratorResolution {
  /** Null if unknown or deleted. An expired one is still returned. */
  administrator: Administrator | null;
  /** The store's clock when it answered, ms. */
  nowMs: number;
}
