import type { Clock } from '../../base/clock.ts';
import type { Limit, StoredLimit } from '../../base/limit.ts';
import { Refusal } from '../../base/refusal.ts';
import type { GatewaySettings } from '../records/gateway-settings.ts';
import type { Team, Token, TokenKey, User } from '../records/identity.ts';
import { mintToken, newId } from '../records/token-text.ts';
import type { NewTeam, NewToken, NewUser } from '../schemas/requests.ts';
import { forgetEndedTokens } from './forget-ended.ts';
import { storedLimits } from './limits.ts';
import { createRecord, type IdentityDeps } from './records.ts';
import { getSettings } from './settings.ts';
import { beyondTeam } from './team-bounds.ts';

/** Creates a team; a 409 if its id is taken. */
export async function createTeam(deps: IdentityDeps, asked: NewTeam): Promise<Team | Refusal> {
  const team: Team = {
    id: asked.id,
    name: asked.name ?? null,
    limits: await limitsOfNew(deps, 'team', asked.limits),
    models: asked.models ?? null,
    endpoints: asked.endpoints ?? null,
    origins: asked.origins ?? null,
    tools: asked.tools ?? null,
    dearer_fallback: asked.dearer_fallback ?? null,
    ...ofEndUsers(asked),
    ...(asked.tag_keys ? { tag_keys: asked.tag_keys } : {}),
    suspended_at: null,
    created_at: timeNow(deps.clock),
  };
  return createRecord(deps, { kind: 'team', team: team.id }, team);
}

/** Creates a user; a 409 if the id is taken in the team, a 404 if there is no such team. */
export async function createUser(deps: IdentityDeps, team: string, asked: NewUser): Promise<User | Refusal> {
  const user: User = {
    id: asked.id,
    team,
    name: asked.name ?? null,
    email: asked.email ?? null,
    subject: asked.subject ?? null,
    suspended_at: null,
    limits: await limitsOfNew(deps, 'user', asked.limits),
    created_at: timeNow(deps.clock),
  };
  return createRecord(deps, { kind: 'user', team, id: user.id }, user);
}

/** A token as it was just created: the only time its text is known. */
export interface Issued<R> {
  record: R;
  text: string;
}

/** Creates a token with a secret for a user; a 404 if there is no such user or team. */
export async function issueToken(
  deps: IdentityDeps,
  team: string,
  asked: NewToken,
): Promise<Issued<Token> | Refusal> {
  const { text, ...secret } = mintToken('user');
  const record = await createToken(deps, team, asked, secret);
  return record instanceof Refusal ? record : { record, text };
}

/**
 * Creates a token that the store finds by this hash; a 409 if the hash is taken. Without a prefix nobody holds its
 * secret (`isHeldByNobody`).
 */
export async function createToken(
  deps: IdentityDeps,
  team: string,
  asked: Omit<NewToken, 'claim'>,
  { secretHash, prefix }: { secretHash: string; prefix: string },
): Promise<Token | Refusal> {
  const beyond = await beyondTeam(deps, team, asked);
  if (beyond) return beyond;
  const token: Token = {
    id: `tok_${newId()}`,
    team,
    user: asked.user,
    prefix,
    name: asked.name ?? null,
    models: asked.models ?? null,
    endpoints: asked.endpoints ?? null,
    origins: asked.origins ?? null,
    tools: asked.tools ?? null,
    limits: await limitsOfNew(deps, 'token', asked.limits),
    ...ofEndUsers(asked),
    max_session_body_bytes: asked.max_session_body_bytes ?? null,
    frames: asked.frames ?? null,
    ...(asked.session_proof ? { session_proof: asked.session_proof } : {}),
    ...(asked.tags ? { tags: asked.tags } : {}),
    ...(asked.request_tags ? { request_tags: asked.request_tags } : {}),
    expires_at: expiryOf(asked, deps.clock) ?? null,
    revoked_at: null,
    created_at: timeNow(deps.clock),
  };
  const key: TokenKey = { kind: 'token', team, id: token.id };
  const binding = { secretHash, user: asked.user };
  const created = await createRecord(deps, key, token, binding);
  const isFull = created instanceof Refusal && created.code === 'insufficient_quota';
  return isFull && (await forgetEndedTokens(deps, team)) > 0
    ? createRecord(deps, key, token, binding)
    : created;
}

/** The limits of a new record: those asked for, else the defaults of its kind. Null asks for none. */
async function limitsOfNew(
  deps: IdentityDeps,
  kind: keyof GatewaySettings['defaults'],
  asked: readonly Limit[] | null | undefined,
): Promise<StoredLimit[]> {
  return storedLimits(asked ?? (asked === null ? [] : (await getSettings(deps)).defaults[kind]));
}

/** Limits of end users, as a record has them: without any, it has no such field. */
function ofEndUsers({
  end_user_limits: limits,
}: Pick<NewTeam, 'end_user_limits'>): Pick<Team, 'end_user_limits'> {
  return limits ? { end_user_limits: limits } : {};
}

interface AskedExpiry {
  expires_in?: number | null | undefined;
  expires_at?: string | null | undefined;
}

/** When a token is to expire, RFC 3339 UTC: null for never, undefined if neither field was given. */
export function expiryOf(
  { expires_in: seconds, expires_at: at }: AskedExpiry,
  clock: Clock,
): string | null | undefined {
  if (typeof seconds === 'number') return new Date(clock.now() + seconds * 1_000).toISOString();
  if (typeof at === 'string') return at;
  return seconds === null || at === null ? null : undefined;
}

/** The time now, RFC 3339 UTC. */
export function timeNow(clock: Clock): string {
  return new Date(clock.now()).toISOString();
}
