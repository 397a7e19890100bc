import { randomBytes } from 'node:crypto';
import { type AuditedScripts, AuditedStore } from '../../audit/audit.ts';
import { exactNumbers } from '../../base/exact-number.ts';
import { parsedJson } from '../../base/request.ts';
import { changeOf, type Change } from '../../audit/audit.ts';
import type {
  CreateResult,
  Credential,
  RecordKey,
  ReplaceResult,
  Resolution,
  Team,
  Token,
  User,
} from '../records/identity.ts';
import { type TeamBounds, teamBounds } from '../records/bounds.ts';
import { narrows } from '../records/narrower.ts';
import { newlyUnshared } from '../records/unshared.ts';
import { parseSettings } from '../records/gateway-settings.ts';
import type { Session } from '../records/session.ts';
import type { Keys } from '../../store/keys.ts';
import { loadScript } from '../../store/script.ts';
import type { Store } from '../../store/store.ts';
import { StoreUnavailable } from '../../store/store-unavailable.ts';

const resolve = loadScript(new URL('./resolve.lua', import.meta.url));
const createRecord = loadScript(new URL('./create_record.lua', import.meta.url));
const replaceRecord = loadScript(new URL('./replace_record.lua', import.meta.url));
const narrowRecord = loadScript(new URL('./narrow_record.lua', import.meta.url));
const deleteRecord = loadScript(new URL('./delete_record.lua', import.meta.url));
const replaceSettings = loadScript(new URL('./replace_settings.lua', import.meta.url));
const narrowSettings = loadScript(new URL('./narrow_settings.lua', import.meta.url));
const deleteTeam = loadScript(new URL('./delete_team.lua', import.meta.url));
const idsOfTeams = loadScript(new URL('./ids_of_teams.lua', import.meta.url));

/** The trail says what a team was when it was deleted: it is read before, and again if it changed meanwhile. */
const maxAttempts = 20;

/**
 * Identities. Each change is one script: it writes the record and its audit entry, and moves the team's epoch. Methods
 * reject with `StoreUnavailable`.
 */
export class IdentityStore extends AuditedStore {
  readonly #bounds: TeamBounds;

  constructor(store: Store, keys: Keys, changes?: AuditedScripts, bounds: TeamBounds = teamBounds) {
    super(store, keys, changes);
    this.#bounds = bounds;
  }

  /** The identity behind a credential. */
  async resolve({ secretHash, session }: Credential): Promise<Resolution> {
    const keys = this.keys;
    const own = session === null ? [] : [keys.session(session.id)];
    const reply = await this.store.run(
      resolve,
      [keys.secrets, keys.teams, keys.epochs, keys.settings, ...own],
      [secretHash, keys.users(''), keys.tokens(''), ...keys.guard],
    );
    return resolutionFrom(reply);
  }

  /** Stores a new record; a token also binds its secret's hash, and needs its user (`user`) to exist. */
  async create(
    key: RecordKey,
    text: string,
    binding?: { secretHash: string; user: string },
  ): Promise<CreateResult> {
    const keys = this.keys;
    const { kind, team } = key;
    const { records, bytes } = this.#bounds;
    const reply = await this.changes.run(createRecord, {
      keys: [this.#hashOf(key), keys.teams, keys.epochs, keys.users(team), keys.secrets],
      args: [
        kind,
        team,
        idOf(key),
        text,
        newEpoch(),
        binding?.secretHash ?? '',
        binding?.user ?? '',
        ...unsharedIn(key, null, text),
        records,
        bytes,
      ],
      change: recordChange(key, null, text),
    });
    return createResult(reply);
  }

  /** The record's text, or null. */
  read(key: RecordKey): Promise<string | null> {
    return this.store.attempt((client) => client.hget(this.#hashOf(key), idOf(key)));
  }

  /** All teams (no argument), or all records of a kind in a team, ordered by id. */
  async list(kind: RecordKey['kind'], team = ''): Promise<string[]> {
    const records = await this.store.attempt((client) => client.hgetall(this.#hashOfAll(kind, team)));
    return Object.entries(records)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, text]) => text);
  }

  /** The ids of all teams (no team), or of all records of a kind in a team, in no order. */
  ids(kind: RecordKey['kind'], team = ''): Promise<string[]> {
    return this.store.attempt((client) => client.hkeys(this.#hashOfAll(kind, team)));
  }

  /** The texts of teams (team ''), or of records of a kind in a team, in the order of `ids`; null for one that is gone. */
  async readSome(
    kind: RecordKey['kind'],
    team: string,
    ids: readonly string[],
  ): Promise<readonly (string | null)[]> {
    if (ids.length === 0) return [];
    return this.store.attempt((client) => client.hmget(this.#hashOfAll(kind, team), ...ids));
  }

  /** The ids of the tokens of whole teams, one after the other until there are `enough`: a list for each team read. */
  async tokenIds(teams: readonly string[], enough: number): Promise<string[][]> {
    const reply = await this.store.run(idsOfTeams, [], [this.keys.tokens(''), enough, ...teams]);
    return Array.isArray(reply) ? reply.map(textsIn) : [];
  }

  /**
   * Replaces the record if its text is still `expected`; `next` null deletes it. Deleting and what narrows the record
   * work in a full store. `full` if it grows beyond the room of its team.
   */
  async replace(key: RecordKey, expected: string, next: string | null): Promise<ReplaceResult> {
    const reply = await (next === null ? this.#delete(key, expected) : this.#swap(key, expected, next));
    if (reply === 'full' || reply === 'email_taken' || reply === 'subject_taken') return reply;
    return reply === 1 ? 'replaced' : 'conflict';
  }

  /** The settings, as they are stored. */
  readSettings(): Promise<string | null> {
    return this.store.attempt((client) => client.get(this.keys.settings));
  }

  /**
   * Replaces the settings if they still are `expected` (null: none). Every team's epoch moves. What lowers them works
   * in a full store.
   */
  async replaceSettings(expected: string | null, next: string): Promise<'replaced' | 'conflict'> {
    const { settings, epochs } = this.keys;
    const change = changeOf({ kind: 'settings', team: null, id: null }, expected ?? '{}', next);
    const done = await this.changes.run(isNarrowing(change) ? narrowSettings : replaceSettings, {
      keys: [settings, epochs],
      args: [expected ?? '', next, newEpoch()],
      change,
    });
    return done === 1 ? 'replaced' : 'conflict';
  }

  /** Removes a team with its users, tokens, secrets and webhooks. Works in a full store. False when there is none. */
  async deleteTeam(team: string): Promise<boolean> {
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      const text = await this.read({ kind: 'team', team });
      if (text === null) return false;
      if ((await this.#deleteTeam(team, text)) === 1) return true;
    }
    throw new StoreUnavailable('The team is being changed all the time.', { mayHaveRun: false });
  }

  #swap(key: RecordKey, expected: string, next: string): Promise<unknown> {
    const change = recordChange(key, expected, next);
    // Only administrators of all teams create teams.
    const maxBytes = key.kind === 'team' ? '' : this.#bounds.bytes;
    return this.changes.run(isNarrowing(change) ? narrowRecord : replaceRecord, {
      keys: [this.#hashOf(key), this.keys.epochs],
      args: [key.team, idOf(key), expected, next, newEpoch(), ...unsharedIn(key, expected, next), maxBytes],
      change,
    });
  }

  #delete(key: RecordKey, expected: string): Promise<unknown> {
    if (key.kind === 'team') return this.#deleteTeam(key.team, expected);
    const keys = this.keys;
    return this.changes.run(deleteRecord, {
      keys: [this.#hashOf(key), keys.epochs, keys.tokens(key.team), keys.secrets, keys.used(key.team)],
      args: [key.kind, key.team, key.id, expected, newEpoch()],
      change: recordChange(key, expected, null),
    });
  }

  #deleteTeam(team: string, expected: string): Promise<unknown> {
    const keys = this.keys;
    return this.changes.run(deleteTeam, {
      keys: [
        keys.teams,
        keys.epochs,
        keys.users(team),
        keys.tokens(team),
        keys.secrets,
        keys.used(team),
        keys.webhooks,
      ],
      args: [team, expected, keys.undelivered(''), keys.due(''), keys.deliveries('')],
      change: recordChange({ kind: 'team', team }, expected, null),
    });
  }

  #hashOfAll(kind: RecordKey['kind'], team: string): string {
    return this.#hashOf(kind === 'team' ? { kind, team } : { kind, team, id: '' });
  }

  #hashOf(key: RecordKey): string {
    if (key.kind === 'team') return this.keys.teams;
    return key.kind === 'user' ? this.keys.users(key.team) : this.keys.tokens(key.team);
  }
}

function textsIn(list: unknown): string[] {
  return Array.isArray(list) ? list.map(String) : [];
}

function recordChange(key: RecordKey, before: string | null, after: string | null): Change {
  return changeOf({ kind: key.kind, team: key.team, id: idOf(key) }, before, after);
}

function isNarrowing({ before, after }: Change): boolean {
  return before !== null && after !== null && narrows(before, after);
}

/** The address and the account that a change gives a user, as the scripts take them. */
function unsharedIn({ kind }: RecordKey, before: string | null, after: string): [string, string] {
  if (kind !== 'user') return ['', ''];
  // Both are this program's own, unless somebody altered what was before.
  const was = before === null ? undefined : (parsedJson(before) as User | undefined);
  const { email, subject } = newlyUnshared(was ?? null, JSON.parse(after) as User);
  return [email, subject];
}

function idOf(key: RecordKey): string {
  return key.kind === 'team' ? key.team : key.id;
}

/** Random, so that no two changes, on whatever process, can give a team the same epoch. */
function newEpoch(): string {
  return randomBytes(12).toString('base64url');
}

function createResult(reply: unknown): CreateResult {
  switch (reply) {
    case 'created':
    case 'exists':
    case 'no_team':
    case 'no_user':
    case 'email_taken':
    case 'subject_taken':
    case 'full':
      return reply;
  }
  throw new StoreUnavailable('The store gave an answer that create_record.lua does not give.');
}

function resolutionFrom(reply: unknown): Resolution {
  if (!Array.isArray(reply) || (reply.length !== 1 && reply.length !== 7)) {
    throw new StoreUnavailable('The store gave an answer that resolve.lua does not give.');
  }
  const [now, team, user, token, epoch, settings = '', session] = reply.map(String);
  const nowMs = Number(now);
  if (!team || !user || !token || !epoch) return { nowMs, identity: null };
  // The texts are this program's own (only a session's pinned fields hold exact numbers), written as these types by
  // the operations on identities and sessions.
  const { limits: gateway, end_user_limits: gatewayEndUsers } = parseSettings(settings);
  const identity = {
    team: JSON.parse(team) as Team,
    user: JSON.parse(user) as User,
    token: JSON.parse(token) as Token,
    session: session ? (JSON.parse(session, exactNumbers) as Session) : null,
    gateway,
    ...(gatewayEndUsers ? { gatewayEndUsers } : {}),
    epoch,
  };
  return { nowMs, identity };
}
