import type { Limit } from '../../base/limit.ts';
import { invalidBody, Refusal } from '../../base/refusal.ts';
import type { Team, TeamKey, Token, TokenKey, User, UserKey } from '../records/identity.ts';
import type { TokenChange } from '../schemas/requests.ts';
import { expiryOf, timeNow } from './create.ts';
import { amountProblem, type Raised, runningRaises } from '../records/raise.ts';
import { changedLimits } from './limits.ts';
import type { Precondition } from './precondition.ts';
import { changeRecord, type IdentityDeps, type RecordOf } from './records.ts';
import { beyondTeam } from './team-bounds.ts';

/* Changes of records. Fields that are left out stay as they are; null clears. */

export function changeFields<K extends TeamKey | UserKey>(
  deps: IdentityDeps,
  key: K,
  asked: ChangeOf<RecordOf<K>>,
  precondition: Precondition = null,
): Promise<RecordOf<K> | Refusal> {
  return changeRecord(deps, key, (record) => changed(record, asked, deps.clock.now()), precondition);
}

/** A revoked token cannot be changed (412), so that its record shows what it was when it was revoked. */
export async function changeToken(
  deps: IdentityDeps,
  key: TokenKey,
  asked: TokenChange,
  precondition: Precondition = null,
): Promise<Token | Refusal> {
  const beyond = await beyondTeam(deps, key.team, asked);
  if (beyond) return beyond;
  const { expires_in: _in, ...rest } = asked;
  const fields = { ...rest, expires_at: expiryOf(asked, deps.clock) };
  const change = (token: Token): Token | Refusal =>
    token.revoked_at === null ? changed(token, fields, deps.clock.now()) : alreadyRevoked(token);
  return changeRecord(deps, key, change, precondition);
}

/** Refuses every request of a team or a user from the next one on. Keeps the time of an earlier suspension. */
export function suspend<K extends TeamKey | UserKey>(
  deps: IdentityDeps,
  key: K,
  precondition: Precondition = null,
): Promise<RecordOf<K> | Refusal> {
  const at = timeNow(deps.clock);
  const change = (record: RecordOf<K>): RecordOf<K> => ({
    ...record,
    suspended_at: record.suspended_at ?? at,
  });
  return changeRecord(deps, key, change, precondition);
}

/** Admits a team or a user again. */
export function resume<K extends TeamKey | UserKey>(
  deps: IdentityDeps,
  key: K,
  precondition: Precondition = null,
): Promise<RecordOf<K> | Refusal> {
  return changeRecord(deps, key, (record) => ({ ...record, suspended_at: null }), precondition);
}

/** The record with the fields that a change names. */
function changed<R extends Team | User | Token>(
  record: R,
  { limits, ...fields }: ChangeOf<R>,
  nowMs: number,
): R | Refusal {
  const given = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
  const after = { ...record, ...given, limits: changedLimits(limits, record.limits) };
  return (limits ? overRaised(after, nowMs) : null) ?? withoutStrayRaises(after);
}

/** The refusal of limits that are more than can be counted with what raises them. */
function overRaised(record: Raised, nowMs: number): Refusal | null {
  const running = runningRaises(record, nowMs);
  const problems = record.limits.flatMap((limit, n) => {
    const amounts = running.filter((raise) => raise.limit === limit.id).map(({ by }) => by);
    const wrong = amounts.length === 0 ? null : amountProblem(limit, amounts);
    const param = `limits.${n}.max`;
    return wrong === null ? [] : [{ param, message: `${param}, with all that raises it, ${wrong}.` }];
  });
  return problems.length === 0 ? null : invalidBody(problems);
}

/** A limit that is removed takes its raises with it. */
function withoutStrayRaises<R extends Raised>(record: R): R {
  const { limits, raises } = record;
  const left = raises?.filter(({ limit }) => limits.some(({ id }) => id === limit));
  if (!raises || left?.length === raises.length) return record;
  return { ...record, raises: left?.length ? left : null };
}

/** Some fields of a record, limits without ids. */
type ChangeOf<R> = { limits?: Limit[] | null | undefined } & {
  [K in Exclude<keyof R, 'limits'>]?: R[K] | undefined;
};

export function alreadyRevoked(token: Token): Refusal {
  const message = `The token ${token.id} was revoked at ${token.revoked_at} and cannot be changed. Issue a new one.`;
  return new Refusal('precondition_failed', message);
}
