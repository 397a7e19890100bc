import type { Token } from './identity.ts';
import { type LastUses, secretsOf, type SecretStore } from './secret.ts';
import { shown } from '../operations/stored-limits.ts';

/** A token as the admin API shows it: its secrets without their hashes, each with its last use. */
function tokenResponse(token: Token, lastUses: LastUses = new Map()): object {
  const { secrets: _secrets, ...rest } = token;
  return {
    ...shown(rest),
    secrets: secretsOf(token).map((secret) => ({
      ...secret,
      last_used_at: timeOf(lastUses.get(secret.prefix)),
    })),
  };
}

/** Tokens of a team, each with the last uses of its secrets. */
export async function tokenResponses(
  { lastUses }: Pick<SecretStore, 'lastUses'>,
  team: string,
  tokens: readonly Token[],
): Promise<object[]> {
  const ids = tokens.map(({ id }) => id);
  const uses = await lastUses(team, ids);
  return tokens.map((token, n) => tokenResponse(token, uses[n]));
}

function timeOf(atMs: number | undefined): string | null {
  return atMs === undefined ? null : new Date(atMs).toISOString();
}
