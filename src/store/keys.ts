/**
 * Every Redis key, under one prefix and a schema version, so that old and new processes can run side by side during a
 * deploy. Keys marked "Identity" never expire.
 */
const schemaVersion = '1';

export interface Keys {
  /** Identity. Hash: team id → JSON. */
  teams: string;
  /** Identity. Hash: team id → epoch; `@` → epoch of the settings; `@prices` → that of the prices. */
  epochs: string;
  /** Identity. String: JSON, the settings of the whole gateway. */
  settings: string;
  /**
   * Identity. Hash: secret hash → `team/token id`, and the reverse (newest first), so that a deletion needs no scan.
   */
  secrets: string;
  /** Identity. Hash: user id → JSON. */
  users: (team: string) => string;
  /** Identity. Hash: token id → JSON. */
  tokens: (team: string) => string;
  /** Identity. Hash: administrator id → JSON. */
  admins: string;
  /** Identity. Hash: secret hash → administrator id, and the reverse, so that a deletion needs no scan. */
  adminSecrets: string;
  /** Identity. Hash: model id → JSON, the prices that the API has set. */
  prices: string;
  /** Hash: token id → when each of its secrets was last used. Expires long after the last use. */
  used: (team: string) => string;
  /** String: when the holder of `team/token id` began to rotate it, and how often since. Expires after an hour. */
  rotations: (token: string) => string;
  /** Hash: how many changes an administrator, or the holders of a team, made this minute and this day. Expires. */
  changes: (who: string) => string;
  /** String: a token's sealed text until its link is opened, then when it was opened. Expires. */
  claim: (codeHash: string) => string;
  /** Identity. Hash: the store's name, and what came from IDENTITY_FILE or imports. */
  provenance: string;
  /** The audit trail. Stream: each change's entry and its hash. Never trimmed, never expires. */
  audit: string;
  /** Hash: a session's secret hash, parent and record, and the counters of its own limits. Expires with the session. */
  session: (id: string) => string;
  /** Sorted set of one parent (`team/token id`): `session id:bytes` → expiry, ms. Expires with the last session. */
  sessionsOf: (parent: string) => string;
  /** Hash: how many sessions a parent made this minute, and the bytes of its live ones. Expires. */
  minting: (parent: string) => string;
  /** Hash: a session of the console, by the hash of its secret: its holder and its times. Expires with the session. */
  consoleSession: (secretHash: string) => string;
  /** Sorted set of one holder (`root`, `adm_…`, `oidc-…`, `team/token id`): secret hash → the session's end, ms. Expires. */
  consoleSessionsOf: (holder: string) => string;
  /** String: an administrator's way into the console, by the hash of a code that opens it once. Expires. */
  consoleLink: (codeHash: string) => string;
  /** Hash: the proofs of a session that were used, by the minute of their nonce (`session id:minute`). Expires. */
  proofs: (sessionMinute: string) => string;
  /** String: what makes the nonces of an hour's proofs. Expires. */
  nonceKey: (hour: string) => string;
  /** String: what seals the console's sign-ins of an hour that are under way. Expires. */
  consoleSignInKey: (hour: string) => string;
  /** String: how often an ID token was exchanged. Expires with the token. */
  exchanged: (replayKey: string) => string;
  /**
   * Hash: limit id → `window sum settled`; `limit id~` → the runs of a sliding window. Expires if unused for longer
   * than the longest window.
   */
  counters: (team: string) => string;
  /** Sorted set: process id → its last heartbeat, ms. */
  processes: string;
  /** Hash: grant id → open record, one key per process. */
  open: (process: string) => string;
  /** String: random, created when the store is first seen empty. Expires when heartbeats stop. */
  incarnation: string;
  /** Stream of closed requests, trimmed by length. */
  entries: string;
  /** Hash: one UTC day's totals. Expires after the retention. */
  totals: (day: string) => string;
  /** Hash: one UTC day's totals of a team (`day/team`) by tags and end user. Expires after the retention. */
  breakdown: (dayAndTeam: string) => string;
  /** String: marks a notice as given. Expires. */
  said: (what: string) => string;
  /** Hash: one UTC day's refused requests. Expires after the retention. */
  refusals: (day: string) => string;
  /** String: the sequence number of a process's last batch of refusals. Expires. */
  refusalsTaken: (process: string) => string;
  /** String: the last rate limits that the upstream reported for a key. Expires. */
  reading: (keyHash: string) => string;
  /**
   * What is known of calls with an Idempotency-Key (`keyed.lua`). String, by the key's id: its state, and perhaps its
   * answer. `log:<team>`, stream: what was written for a team. `taken` and `oldest`, sorted sets: team → how many bytes it
   * takes, and when its oldest was written, ms. With `items:` before them, the same of the items of responses. Expire.
   */
  keyed: (what: string) => string;
  /** String: marks a grant of an earlier incarnation as settled. Expires. */
  settled: (grant: string) => string;
  /**
   * Identity, with Postgres only. Hash: which records are the store's, and how far it is drained into them. A store
   * without it has lost its data.
   */
  records: string;
  /** With Postgres only: the key above, for scripts that must not take a store that has lost its data for an empty one. */
  guard: readonly string[];
  /** With Postgres only. String: which process restores the store. Expires. */
  restoring: string;
  /** With Postgres only. Stream: batches of refusals that are not drained yet. Trimmed when they are. */
  refusalLog: string;
  /** Stream: events that were told, newest last. Bounded; expires. */
  events: string;
  /** Hash: what has a state that events tell of → the state, and since when, ms. Expires. */
  eventStates: string;
  /** Hash: which process does what only one may do, until when (ms), and the fence. Expires. */
  lease: (what: string) => string;
  /** Identity. Hash: webhook id → JSON, where events are sent. */
  webhooks: string;
  /** String: id of the event up to which the outbox was handed to the webhooks. Expires. */
  handedOut: string;
  /**
   * Hash: event id → what a webhook is still to get: tries so far, type, team, data; `trouble` → its failures in a row,
   * since when, and until when it rests. Expires.
   */
  undelivered: (webhook: string) => string;
  /** Sorted set: event id → when it is to be tried next, ms. Expires. */
  due: (webhook: string) => string;
  /** Stream: the last tries of a webhook. Bounded; expires. */
  deliveries: (webhook: string) => string;
}

/** `hasRecords`: Postgres has what is in the store. */
export function keysUnder(prefix: string, { hasRecords = false } = {}): Keys {
  const p = `${prefix}${schemaVersion}:`;
  return {
    teams: `${p}teams`,
    epochs: `${p}epochs`,
    settings: `${p}settings`,
    secrets: `${p}secrets`,
    users: (team) => `${p}users:${team}`,
    tokens: (team) => `${p}tokens:${team}`,
    admins: `${p}admins`,
    adminSecrets: `${p}admin-secrets`,
    prices: `${p}prices`,
    used: (team) => `${p}used:${team}`,
    rotations: (token) => `${p}rotations:${token}`,
    changes: (who) => `${p}changes:${who}`,
    claim: (codeHash) => `${p}claim:${codeHash}`,
    provenance: `${p}provenance`,
    audit: `${p}audit`,
    session: (id) => `${p}session:${id}`,
    sessionsOf: (parent) => `${p}sessions:${parent}`,
    minting: (parent) => `${p}minting:${parent}`,
    proofs: (sessionMinute) => `${p}proofs:${sessionMinute}`,
    nonceKey: (hour) => `${p}nonce-key:${hour}`,
    consoleSession: (secretHash) => `${p}console:${secretHash}`,
    consoleSessionsOf: (holder) => `${p}console-of:${holder}`,
    consoleLink: (codeHash) => `${p}console-link:${codeHash}`,
    consoleSignInKey: (hour) => `${p}console-key:${hour}`,
    exchanged: (replayKey) => `${p}exchanged:${replayKey}`,
    counters: (team) => `${p}counters:${team}`,
    processes: `${p}processes`,
    open: (process) => `${p}open:${process}`,
    incarnation: `${p}incarnation`,
    entries: `${p}entries`,
    totals: (day) => `${p}totals:${day}`,
    breakdown: (dayAndTeam) => `${p}breakdown:${dayAndTeam}`,
    said: (what) => `${p}said:${what}`,
    refusals: (day) => `${p}refusals:${day}`,
    refusalsTaken: (process) => `${p}refusals-taken:${process}`,
    reading: (keyHash) => `${p}reading:${keyHash}`,
    keyed: (what) => `${p}keyed:${what}`,
    settled: (grant) => `${p}settled:${grant}`,
    records: `${p}records`,
    guard: hasRecords ? [`${p}records`] : [],
    restoring: `${p}restoring`,
    refusalLog: `${p}refusal-log`,
    events: `${p}events`,
    eventStates: `${p}event-states`,
    lease: (what) => `${p}lease:${what}`,
    webhooks: `${p}webhooks`,
    handedOut: `${p}handed-out`,
    undelivered: (webhook) => `${p}undelivered:${webhook}`,
    due: (webhook) => `${p}due:${webhook}`,
    deliveries: (webhook) => `${p}deliveries:${webhook}`,
  };
}
