import { beforeRecords } from '../records/drain.ts';
import { oldestServer } from '../records/migrate.ts';
import { misuseIn } from '../records/misuse.ts';
import { RecordsUnavailable } from '../records/records-unavailable.ts';
import type { RecordsStatus } from '../records/records-view.ts';
import { StoreUnavailable } from '../store/store-unavailable.ts';
import { type Finding, ok, problem, sizeText, timeText, warning } from './finding.ts';
import type { RecordsFacts, ServerFacts } from './records-facts.ts';
import { processesText } from './store-findings.ts';

/** A process drains within 2 s; another takes over within 15 s. */
const behindMs = 60_000;
const dayMs = 86_400_000;
/** How long a gap is told of. */
const gapsToldMs = 7 * dayMs;
/** How many connections a process takes at most. */
const connectionsEach = 2;

export interface RecordsContext {
  /** How many processes there are, or are to be. */
  readonly processes: number;
  /** How many are alive; null: not known. */
  readonly alive: number | null;
  readonly backlogBytes: number;
  readonly nowMs: number;
}

/** What is to be said of the records. Pure. */
export function recordsFindings(
  { server, migrations, status }: RecordsFacts,
  context: RecordsContext,
): Finding[] {
  return [
    reached(server),
    writable(server),
    tables(migrations),
    connections(server, context),
    status === null ? [] : statusFindings(status, context),
  ].flat();
}

/** What is to be said if reading them failed. Pure. */
export function recordsFailure(error: unknown): Finding {
  if (error instanceof StoreUnavailable && !(error instanceof RecordsUnavailable)) {
    const says = 'How far Postgres is behind cannot be read from the store.';
    return warning('records.status', says, 'See what is said of the store.');
  }
  const misuse = misuseIn(error);
  if (misuse !== null) return problem('records.server', misuse, 'docs/records.md#if-postgres-cannot-be-used');
  const remedy =
    'heroku pg:info, or look at the log of the server. Until then, what is to be recorded waits in the store.';
  return problem('records.server', `Postgres ${reasonOf(error)}.`, remedy);
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'cannot be read';
  const { message, cause } = error;
  const told =
    cause instanceof Error ? cause.message || ('code' in cause ? String(cause.code) : '') : message;
  return /timeout/i.test(told)
    ? 'does not answer: it hangs, or the network swallows the connection'
    : `cannot be used: ${told.replace(/\.$/, '')}`;
}

function reached({ version, version_number: number }: ServerFacts): Finding {
  const check = 'records.server';
  if (number >= oldestServer) return ok(check, `Postgres ${version} answers.`);
  return problem(check, `Postgres ${version} is too old.`, 'Use Postgres 14 or later.');
}

function writable({ is_follower, is_read_only, may_write }: ServerFacts): Finding[] {
  const check = 'records.writable';
  if (is_follower || is_read_only) {
    return [problem(check, 'The server is read-only.', 'Name the primary in DATABASE_URL, not a follower.')];
  }
  if (may_write !== false) return [];
  const remedy =
    'Heroku revokes INSERT if a database is larger than its plan: heroku pg:info, then take the next plan or lower RECORDS_RETENTION_DAYS.';
  return [problem(check, 'The user in DATABASE_URL may not insert.', remedy)];
}

function tables({ missing, newer }: RecordsFacts['migrations']): Finding {
  const check = 'records.tables';
  if (newer.length > 0) {
    return problem(check, 'The tables are of a newer version of Tollgate.', 'Deploy that version again.');
  }
  if (missing.length === 0) return ok(check, 'The tables are of this version.');
  const says = `The tables lack ${missing.join(', ')}.`;
  return warning(
    check,
    says,
    'A gateway of this version makes them when it starts: deploy it, or restart it.',
  );
}

function connections(server: ServerFacts, { processes, alive }: RecordsContext): Finding {
  const check = 'records.connections';
  const limits = [server.server_limit, server.role_limit, server.database_limit];
  const limit = Math.min(...limits.filter((each) => each >= 0));
  const others = Math.max(0, server.connections - 1 - connectionsEach * (alive ?? 0));
  const needed = 2 * connectionsEach * processes + others;
  const says = `Postgres allows ${limit} connections; a deploy of ${processesText(processes)} needs up to ${needed}.`;
  if (needed <= limit) return ok(check, says);
  return problem(check, says, 'Run fewer processes, or take a plan with more: docs/records.md#on-heroku');
}

function statusFindings(status: RecordsStatus, context: RecordsContext): Finding[] {
  if (status.state !== 'on') {
    const remedy = 'docs/records.md#if-postgres-cannot-be-used';
    return [problem('records.status', status.problem ?? 'The records cannot be read.', remedy)];
  }
  return [drain(status, context), backlog(status, context), gaps(status, context), size(status)].flat();
}

function drain(
  { backlog: waiting, last_drain_at }: RecordsStatus,
  { alive, nowMs }: RecordsContext,
): Finding {
  const check = 'records.drain';
  const count = waiting === null ? 0 : waiting.entries + waiting.refusals + waiting.audit;
  if (count === 0) return ok(check, 'Postgres has all that the store has.');
  const sinceMs = last_drain_at === null ? Infinity : nowMs - Date.parse(last_drain_at);
  const last =
    last_drain_at === null ? 'nothing was ever moved' : `the last was moved ${timeText(sinceMs)} ago`;
  const says = `${count} elements wait in the store, and ${last}.`;
  if (sinceMs <= behindMs) return ok(check, says);
  if (alive === 0) return warning(check, says, 'No gateway process is alive: start one, and it drains.');
  return problem(check, says, 'The log of the gateway says why nothing is recorded (docs/records.md).');
}

function backlog({ backlog: waiting }: RecordsStatus, { backlogBytes }: RecordsContext): Finding[] {
  const share = (waiting?.bytes ?? 0) / backlogBytes;
  if (share < 0.5) return [];
  const says = `What waits takes ${Math.round(100 * share)} % of RECORDS_BACKLOG_BYTES; beyond that, the oldest entries go.`;
  return [
    problem(
      'records.backlog',
      says,
      'Bring Postgres back, or raise RECORDS_BACKLOG_BYTES if the store has room.',
    ),
  ];
}

function gaps({ gaps: all }: RecordsStatus, { nowMs }: RecordsContext): Finding[] {
  const recent = all.filter(
    ({ found_at, reason }) => nowMs - Date.parse(found_at) < gapsToldMs && reason !== beforeRecords,
  );
  const [newest] = recent;
  if (newest === undefined) return [];
  const says = `Gaps found within the last 7 days: ${recent.length}; the newest, of ${newest.stream}: ${newest.reason}`;
  return [warning('records.gaps', says, 'npm run tollgate -- ledger status (docs/records.md#gaps)')];
}

function size({ size_bytes: bytes }: RecordsStatus): Finding[] {
  return bytes === null ? [] : [ok('records.size', `The database takes ${sizeText(bytes)}.`)];
}
