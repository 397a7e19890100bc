import type { Administration, IssuedToken } from './gateway.ts';

export interface SecretResponse {
  prefix: string;
  created_at: string;
  expires_at: string | null;
  last_used_at: string | null;
}

/** Rotates a token as its administrator; the same token with its new text. Throws where it is refused. */
export async function rotateToken(
  gateway: Administration,
  token: IssuedToken,
  overlapS?: number,
): Promise<IssuedToken> {
  const body = overlapS === undefined ? {} : { overlap_seconds: overlapS };
  const reply = await gateway.admin('POST', `${pathOf(token)}/rotate`, body);
  if (reply.status !== 200) throw new Error(`${reply.status} ${JSON.stringify(reply.body)}`);
  return { ...token, text: String(reply.body['token']) };
}

/** The secrets of a token, the newest first, as an administrator sees them. */
export async function secretsOf(gateway: Administration, token: IssuedToken): Promise<SecretResponse[]> {
  const { body } = await gateway.admin('GET', pathOf(token));
  return body['secrets'] as SecretResponse[];
}

/** A link that shows a new token of a user's once. */
export async function claimLink(gateway: Administration, { team, user }: IssuedToken): Promise<string> {
  const { body } = await gateway.admin('POST', `/admin/teams/${team}/tokens`, { user, claim: true });
  return String(body['claim_url']);
}

function pathOf({ team, id }: IssuedToken): string {
  return `/admin/teams/${team}/tokens/${id}`;
}
