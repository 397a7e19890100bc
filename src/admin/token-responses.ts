import type { Token } from '../identity/records/identity.ts';
import { type LastUses, linkMark, secretsOf } from '../identity/records/secret.ts';

/** A token in the form of the admin API, with the last use of each secret. */
export function withLastUses(token: Token, uses: LastUses): object {
  const secrets = secretsOf(token).map((secret) => ({
    ...secret,
    last_used_at: timeOf(uses.get(secret.prefix) ?? null),
    ...linkOf(secret.prefix, uses),
  }));
  const { secrets: _secrets, ...rest } = token;
  return { ...rest, secrets };
}

/** What became of the link that shows a secret; nothing if there was none. */
function linkOf(prefix: string, uses: LastUses): object {
  const madeMs = uses.get(linkMark('link-made', prefix));
  if (madeMs === undefined) return {};
  const openedMs = uses.get(linkMark('link-opened', prefix)) ?? null;
  return { link_made_at: timeOf(madeMs), link_opened_at: timeOf(openedMs) };
}

/** RFC 3339, UTC. */
export function timeOf(atMs: number | null): string | null {
  return atMs === null ? null : new Date(atMs).toISOString();
}
