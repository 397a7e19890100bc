import type { Settings } from '../config/environment.ts';
import { type Finding, ok, problem, sizeText, timeText, warning } from './finding.ts';
import type { StoreFacts } from './store-facts.ts';

/** The oldest version whose scripts and commands are used. */
const oldestMajor = 7;
const slowMs = 50;
/** ID tokens are taken with clocks that are 30 s apart, no more. */
const [noticedMs, tooFarMs] = [2_000, 30_000];
const [filling, nearlyFull] = [0.8, 0.95];
/** What an entry of the ledger takes, and an empty store (docs/store-budget.md). */
const [entryBytes, emptyBytes] = [191, 3_000_000];

/** What is known of the configuration when a store is judged. */
export interface StoreContext {
  readonly settings: Pick<
    Settings,
    'keptAnswerBytes' | 'responsesStoreBytes' | 'ledgerMaxEntries' | 'records'
  >;
  readonly url: string;
  readonly verifyTls: boolean;
  readonly hasIdentityFile: boolean;
  /** How many processes there are, or are to be. */
  readonly processes: number;
}

/** What is to be said of a store. Pure. */
export function storeFindings(facts: StoreFacts, context: StoreContext): Finding[] {
  return [
    server(facts),
    kind(facts),
    scripts(facts),
    eviction(facts),
    persistence(facts, context),
    memory(facts),
    budget(facts, context),
    clients(facts, context),
    tls(context),
    clocks(facts),
  ].flat();
}

function server({ server: name, version, answersInMs }: StoreFacts): Finding[] {
  const check = 'store.server';
  const within = `answers within ${timeText(answersInMs)}`;
  if (version !== null && Number.parseInt(version, 10) < oldestMajor) {
    const remedy = 'Take Redis 7 or Valkey 7, or later; on Heroku: heroku redis:upgrade';
    return [problem(check, `${name} ${version} is too old.`, remedy)];
  }
  const told = `${name} ${version ?? '(it does not tell its version)'} ${within}.`;
  if (answersInMs <= slowMs) return [ok(check, told)];
  const remedy = 'Each request asks it twice: put it in the region of the gateway.';
  return [warning(check, told, remedy)];
}

function kind({ isReplica, isCluster }: StoreFacts): Finding[] {
  const check = 'store.primary';
  const remedy = 'Name the one primary in REDIS_URL: a replica takes no writes, a cluster splits the keys.';
  if (isReplica) return [problem(check, 'The store is a replica.', remedy)];
  return isCluster ? [problem(check, 'The store is a cluster.', remedy)] : [];
}

function scripts({ processes }: StoreFacts): Finding {
  const check = 'store.scripts';
  if (typeof processes !== 'number') {
    const remedy = 'The gateway needs EVAL and EVALSHA: allow @scripting, @read and @write to its user.';
    return problem(check, `A script does not run: ${processes.refused}`, remedy);
  }
  const alive = processes === 1 ? '1 gateway process is' : `${processes} gateway processes are`;
  return ok(check, `Scripts run; ${alive} alive.`);
}

function eviction({ condition: { evicts, policy } }: StoreFacts): Finding {
  const check = 'store.eviction';
  const remedy = 'heroku redis:maxmemory --policy noeviction, or CONFIG SET maxmemory-policy noeviction';
  if (evicts === null) {
    return warning(check, 'The store does not tell whether it evicts keys when it is full.', remedy);
  }
  if (!evicts) return ok(check, 'A full store refuses writes and evicts nothing (noeviction).');
  return problem(check, `A full store deletes identities and counters (policy ${policy}).`, remedy);
}

function persistence({ condition: { persists } }: StoreFacts, context: StoreContext): Finding {
  const check = 'store.persistence';
  if (persists === true) return ok(check, 'The store persists what it has.');
  if (context.settings.records !== null) {
    const how = persists === null ? 'may not persist' : 'does not persist';
    const lost = 'sessions and the use of limits of a minute and an hour are lost with it';
    return ok(check, `The store ${how}; Postgres has what must last, ${lost}.`);
  }
  const remedy =
    'heroku addons:create heroku-postgresql:essential-0, or take heroku-redis:premium-0 or larger (docs/records.md)';
  if (persists === null) {
    const says = 'The store does not tell whether it persists; a mini plan does not.';
    return warning(check, says, remedy);
  }
  if (context.hasIdentityFile) {
    const says = 'The store does not persist: a restart loses the use of limits, and the ledger.';
    return warning(check, says, remedy);
  }
  const says = 'The store does not persist: a restart loses teams, users, tokens, limits and the ledger.';
  return problem(check, says, remedy);
}

function memory({ memory: { usedBytes, maxBytes } }: StoreFacts): Finding {
  const check = 'store.memory';
  if (usedBytes === 0) return ok(check, 'The store does not tell how full it is.');
  if (maxBytes === 0) return ok(check, `The store has ${sizeText(usedBytes)}, and no bound (maxmemory).`);
  const share = usedBytes / maxBytes;
  const says = `The store has ${sizeText(usedBytes)} of ${sizeText(maxBytes)} (${Math.round(100 * share)} %).`;
  if (share < filling) return ok(check, says);
  const remedy = 'Keep less, or take a larger plan: docs/store-budget.md';
  return share < nearlyFull ? warning(check, says, remedy) : problem(check, says, remedy);
}

/** Whether the bounds that are set leave room for identities and totals. */
function budget({ memory: { maxBytes } }: StoreFacts, { settings }: StoreContext): Finding[] {
  const bound =
    emptyBytes +
    settings.keptAnswerBytes +
    settings.responsesStoreBytes +
    settings.ledgerMaxEntries * entryBytes +
    (settings.records?.backlogBytes ?? 0);
  if (maxBytes === 0 || bound < filling * maxBytes) return [];
  const says = `The bounds that are set may take ${sizeText(bound)} of ${sizeText(maxBytes)}, and leave too little for the rest.`;
  const names = 'LEDGER_MAX_ENTRIES, KEPT_ANSWER_BYTES, RESPONSES_STORE_BYTES or RECORDS_BACKLOG_BYTES';
  return [warning('store.budget', says, `Lower ${names}, or take a larger plan: docs/store-budget.md`)];
}

/** During a deploy, the new processes connect while the old ones are still there. */
function clients(
  { clients: { now, max }, processes: alive }: StoreFacts,
  { processes }: StoreContext,
): Finding {
  const check = 'store.connections';
  if (now === null || max === null) return ok(check, 'The store does not tell how many clients it allows.');
  // Those of the gateway, and this one.
  const others = Math.max(0, now - 1 - (typeof alive === 'number' ? alive : 0));
  const needed = 2 * processes + others;
  const says = `The store allows ${max} clients; a deploy of ${processesText(processes)} needs ${needed}, with ${others} of others.`;
  if (needed <= max) return ok(check, says);
  const remedy = 'Run fewer processes, or take a plan with more: docs/store-budget.md#connections';
  return problem(check, says, remedy);
}

export function processesText(count: number): string {
  return count === 1 ? '1 process' : `${count} processes`;
}

function tls({ url, verifyTls }: StoreContext): Finding {
  const check = 'store.tls';
  const { protocol, hostname } = new URL(url);
  if (protocol === 'rediss:') {
    const how = verifyTls ? 'verified' : "taken as it is, as Heroku's must be";
    return ok(check, `The connection uses TLS; the certificate is ${how}.`);
  }
  if (isLoopback(hostname)) return ok(check, 'The store is on this machine; the connection has no TLS.');
  const says =
    'The connection to the store has no TLS: its password and what is stored go over the network in clear.';
  return warning(check, says, 'Use a rediss:// URL in REDIS_TLS_URL, unless that network is private.');
}

function isLoopback(hostname: string): boolean {
  return /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname);
}

function clocks({ aheadMs, answersInMs }: StoreFacts): Finding {
  const apartMs = Math.max(0, Math.abs(aheadMs) - answersInMs / 2);
  if (apartMs <= noticedMs) return ok('clock', 'The clocks of the store and of this machine agree.');
  const says = `The clock of the store is ${timeText(apartMs)} ${aheadMs > 0 ? 'ahead of' : 'behind'} this machine's.`;
  const remedy = 'Let both follow NTP: windows follow the clock of the store, ID tokens that of the gateway.';
  return apartMs <= tooFarMs ? warning('clock', says, remedy) : problem('clock', says, remedy);
}
