import { invalidBody, Refusal } from '../../base/refusal.ts';
import type { RecordKey, Team, Token, User } from '../records/identity.ts';
import {
  amountProblem,
  type LimitRaise,
  maxRaiseDays,
  maxRaises,
  mayLast,
  runningRaises,
} from '../records/raise.ts';
import { randomBase62 } from '../records/token-text.ts';
import { alreadyRevoked } from './change.ts';
import type { Precondition } from './precondition.ts';
import { changeRecord, type Identities, type RecordOf } from './records.ts';

interface RaiseDeps extends Identities {
  /** The store's clock, ms: admission counts raises by it. */
  storeNowMs: () => Promise<number>;
}

/** What somebody asks for: until a time, or for so many seconds. */
interface AskedRaise extends Pick<LimitRaise, 'limit' | 'by'> {
  until?: string;
  for_seconds?: number;
}

const idLength = 12;

/**
 * Raises a limit of a record until a time, by a raise of its own. A 404 without the record or the limit; a 400 if the raise
 * is beyond what the limit's metric or the calendar allows; a 412 of a revoked token, or of a record with as many raises as
 * it may have.
 */
export async function raiseLimit<K extends RecordKey>(
  deps: RaiseDeps,
  key: K,
  { limit, by, until, for_seconds: forS = 0 }: AskedRaise,
  precondition: Precondition = null,
): Promise<{ record: RecordOf<K>; raise: LimitRaise } | Refusal> {
  const nowMs = Math.floor(await deps.storeNowMs());
  const raise: LimitRaise = {
    id: `rse_${randomBase62(idLength)}`,
    limit,
    by,
    until: until ?? timeText(nowMs + forS * 1_000),
    created_at: timeText(nowMs),
  };
  const change = (record: RecordOf<K>): RecordOf<K> | Refusal => {
    const running = runningRaises(record, nowMs);
    return refusalOf(record, raise, { running, nowMs }) ?? { ...record, raises: [...running, raise] };
  };
  const record = await changeRecord(deps, key, change, precondition);
  return record instanceof Refusal ? record : { record, raise };
}

/** Ends a raise. A 404 without it, or if it has ended already. */
export async function withdrawRaise(
  deps: RaiseDeps,
  key: RecordKey,
  id: string,
  precondition: Precondition = null,
): Promise<Refusal | null> {
  const nowMs = await deps.storeNowMs();
  const change = (record: RecordOf<RecordKey>): RecordOf<RecordKey> | Refusal => {
    const running = runningRaises(record, nowMs);
    const left = running.filter((each) => each.id !== id);
    if (left.length === running.length)
      return new Refusal('not_found', 'There is no such raise, or it has ended.');
    return { ...record, raises: left.length === 0 ? null : left };
  };
  const record = await changeRecord(deps, key, change, precondition);
  return record instanceof Refusal ? record : null;
}

function timeText(atMs: number): string {
  return new Date(atMs).toISOString();
}

function refusalOf(
  record: Team | User | Token,
  { limit: id, by, until }: LimitRaise,
  { running, nowMs }: { running: readonly LimitRaise[]; nowMs: number },
): Refusal | null {
  if ('revoked_at' in record && record.revoked_at !== null) return alreadyRevoked(record);
  const limit = record.limits.find((each) => each.id === id);
  if (!limit) {
    return new Refusal(
      'not_found',
      'There is no such limit here: `limits` of the record has the id of each.',
    );
  }
  const others = running.filter((each) => each.limit === id).map((each) => each.by);
  const wrong = amountProblem(limit, [...others, by]);
  const problems = [
    ...(wrong === null ? [] : [{ param: 'by', message: `by, and max with all raises, ${wrong}.` }]),
    ...(mayLast(nowMs, Date.parse(until)) ? [] : [endProblem]),
  ];
  if (problems.length > 0) return invalidBody(problems);
  if (running.length < maxRaises) return null;
  const message = `There are ${maxRaises} raises here, as many as there may be at a time. Withdraw one, or change the limit.`;
  return new Refusal('precondition_failed', message);
}

const endProblem = {
  param: 'until',
  message: `until must be in the future, at most ${maxRaiseDays} days ahead.`,
};
