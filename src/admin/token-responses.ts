import { withoutLimitIds } from '../identity/operations/limits.ts';
import type { Token } from '../identity/records/identity.ts';
import { type LastUses, secretsOf } from '../identity/records/secret.ts';

/** A token in the form of the admin API, with the last use of each secret. */
export function withLastUses(token: Token, uses: LastUses): object {
  const secrets = secretsOf(token).map((secret) => ({
    ...secret,
    last_used_at: timeOf(uses.get(secret.prefix) ?? null),
  }));
  const { secrets: _secrets, ...rest } = token;
  return { ...withoutLimitIds(rest), secrets };
}

/** RFC 3339, UTC. */
export function timeOf(atMs: number | null): string | null {
  return atMs === null ? null : new Date(atMs).toISOString();
}
