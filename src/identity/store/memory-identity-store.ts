import { randomBytes } from 'node:crypto';
import { changeOf, unaudited, type AuditedWork, type Change } from '../../audit/audit.ts';
import type { Clock } from '../../base/clock.ts';
import type {
  CreateResult,
  Credential,
  Identity,
  IdentityStore,
  RecordKey,
  Resolution,
  Team,
  Token,
  User,
} from '../records/identity.ts';
import { parseSettings } from '../records/gateway-settings.ts';
import type { Rotation, TokenKey } from '../records/secret.ts';
import type { Session } from '../records/session.ts';

/** A team with all that is its own; gone in one step when the team is. */
export interface TeamSpace {
  text: string;
  epoch: string;
  users: Map<string, string>;
  tokens: Map<string, string>;
}

export interface Binding {
  team: string;
  token: string;
}

/** A session as the memory session store keeps it. */
export interface FoundSession {
  secretHash: string;
  team: string;
  token: string;
  session: Session;
}

/** Identities in this process: the embedded default. Behaves as the Redis store does; one contract suite runs on both. */
export class MemoryIdentityStore implements IdentityStore {
  readonly #clock: Clock;
  readonly #sessionOf: (id: string) => FoundSession | null;
  readonly #changes: AuditedWork;
  readonly #teams = new Map<string, TeamSpace>();
  readonly #secrets = new Map<string, Binding>();
  #settings: string | null = null;
  #settingsEpoch = '';
  /** The records themselves, and whose the secrets are: for the archive beside this store. */
  readonly spaces = this.#teams;
  readonly bindings = this.#secrets;

  constructor(
    clock: Clock,
    sessionOf: (id: string) => FoundSession | null = () => null,
    changes: AuditedWork = unaudited,
  ) {
    this.#clock = clock;
    this.#sessionOf = sessionOf;
    this.#changes = changes;
  }

  /** The settings, for the archive. */
  get settingsText(): string | null {
    return this.#settings;
  }

  /** The team's epoch and the settings', which admission compares; null when there is no such team. */
  epoch(team: string): string | null {
    const space = this.#teams.get(team);
    return space ? this.#epochOf(space) : null;
  }

  async resolve(credential: Credential): Promise<Resolution> {
    return { nowMs: this.#clock.now(), identity: this.#identity(credential) };
  }

  #identity({ secretHash, session: named }: Credential): Identity | null {
    const found = named === null ? null : this.#sessionOf(named.id);
    // Where its token ended with its user, one made again under the same id must not bring it back.
    const isLive = found?.secretHash === secretHash && this.#hasSecret(found);
    const ofSession = isLive ? found : null;
    const binding = named === null ? this.#secrets.get(secretHash) : ofSession;
    const space = binding ? this.#teams.get(binding.team) : undefined;
    const tokenText = space?.tokens.get(binding?.token ?? '');
    if (!space || tokenText === undefined) return null;
    // The texts are this program's own, written as these types by the admin operations.
    const token = JSON.parse(tokenText) as Token;
    const userText = space.users.get(token.user);
    if (userText === undefined) return null;
    const user = JSON.parse(userText) as User;
    return {
      team: JSON.parse(space.text) as Team,
      user,
      token,
      session: ofSession?.session ?? null,
      gateway: parseSettings(this.#settings).limits,
      epoch: this.#epochOf(space),
    };
  }

  async create(
    key: RecordKey,
    text: string,
    binding?: { secretHash: string; user: string },
  ): Promise<CreateResult> {
    return this.#changes.make(recordChange(key, null, text), () => this.#create(key, text, binding));
  }

  #create(key: RecordKey, text: string, binding?: { secretHash: string; user: string }): CreateResult {
    if (key.kind === 'team') return this.#createTeam(key.team, text);
    const space = this.#teams.get(key.team);
    if (!space) return 'no_team';
    if (key.kind === 'token' && !space.users.has(binding?.user ?? '')) return 'no_user';
    const records = recordsOf(space, key.kind);
    const secretHash = key.kind === 'token' ? (binding?.secretHash ?? '') : null;
    if (records.has(key.id) || (secretHash !== null && this.#secrets.has(secretHash))) return 'exists';

    records.set(key.id, text);
    if (secretHash !== null) this.#secrets.set(secretHash, { team: key.team, token: key.id });
    space.epoch = newEpoch();
    return 'created';
  }

  async read(key: RecordKey): Promise<string | null> {
    return this.#read(key) ?? null;
  }

  async list(kind: RecordKey['kind'], team = ''): Promise<string[]> {
    const space = this.#teams.get(team);
    if (kind === 'team') return ordered([...this.#teams].map(([id, { text }]) => [id, text]));
    return space ? ordered([...recordsOf(space, kind)]) : [];
  }

  async replace(key: RecordKey, expected: string, next: string | null): Promise<'replaced' | 'conflict'> {
    return this.#changes.make(recordChange(key, expected, next), () => this.#replace(key, expected, next));
  }

  #replace(key: RecordKey, expected: string, next: string | null): 'replaced' | 'conflict' {
    const space = this.#teams.get(key.team);
    if (!space || this.#read(key) !== expected) return 'conflict';
    if (next === null) this.#delete(key, space);
    else if (key.kind === 'team') space.text = next;
    else recordsOf(space, key.kind).set(key.id, next);
    space.epoch = newEpoch();
    return 'replaced';
  }

  async readSettings(): Promise<string | null> {
    return this.#settings;
  }

  async replaceSettings(expected: string | null, next: string): Promise<'replaced' | 'conflict'> {
    const change = changeOf({ kind: 'settings', team: null, id: null }, expected ?? '{}', next);
    return this.#changes.make(change, () => {
      if (this.#settings !== expected) return 'conflict';
      this.putSettings(next);
      return 'replaced';
    });
  }

  /** Writes the settings as they are: for the archive, which has its own entry in the trail. */
  putSettings(text: string): void {
    this.#settings = text;
    this.#settingsEpoch = newEpoch();
  }

  async deleteTeam(team: string): Promise<boolean> {
    const change = recordChange({ kind: 'team', team }, this.#teams.get(team)?.text ?? null, null);
    return this.#changes.make(change, () => {
      this.#unbind((binding) => binding.team === team);
      return this.#teams.delete(team);
    });
  }

  #epochOf({ epoch }: TeamSpace): string {
    return this.#settingsEpoch === '' ? epoch : `${epoch}.${this.#settingsEpoch}`;
  }

  #hasSecret({ team, token }: Binding): boolean {
    return this.boundTo({ team, id: token }).length > 0;
  }

  /** Hashes of the secrets that are bound to a token, the newest first. */
  boundTo({ team, id }: TokenKey): string[] {
    return [...this.#secrets]
      .flatMap(([hash, to]) => (to.team === team && to.token === id ? [hash] : []))
      .toReversed();
  }

  /** Gives a token a new secret beside at most `keep - 1` older ones, if its text is still `expected`. */
  rotate(place: TokenKey, to: Rotation & { keep: number }): 'replaced' | 'conflict' {
    const change = recordChange({ kind: 'token', ...place }, to.expected, to.next);
    return this.#changes.make(change, () => this.#rotate(place, to));
  }

  #rotate({ team, id }: TokenKey, to: Rotation & { keep: number }): 'replaced' | 'conflict' {
    const space = this.#teams.get(team);
    if (!space || space.tokens.get(id) !== to.expected || this.#secrets.has(to.secretHash)) return 'conflict';
    // Its user was removed: the token is dead, and must not come back to life.
    if (this.boundTo({ team, id }).length === 0) return 'conflict';
    this.#secrets.set(to.secretHash, { team, token: id });
    for (const hash of this.boundTo({ team, id }).slice(to.keep)) this.#secrets.delete(hash);
    space.tokens.set(id, to.next);
    space.epoch = newEpoch();
    return 'replaced';
  }

  #createTeam(team: string, text: string): CreateResult {
    if (this.#teams.has(team)) return 'exists';
    this.#teams.set(team, { text, epoch: newEpoch(), users: new Map(), tokens: new Map() });
    return 'created';
  }

  #read(key: RecordKey): string | undefined {
    const space = this.#teams.get(key.team);
    if (!space || key.kind === 'team') return space?.text;
    return recordsOf(space, key.kind).get(key.id);
  }

  #delete(key: RecordKey, space: TeamSpace): void {
    if (key.kind === 'team') {
      this.#unbind((binding) => binding.team === key.team);
      this.#teams.delete(key.team);
      return;
    }
    // A user made again under the same id must not bring old tokens back to life.
    this.#unbind(({ team, token }) => team === key.team && belongsTo(key, space, token));
    recordsOf(space, key.kind).delete(key.id);
  }

  #unbind(gone: (binding: Binding) => boolean): void {
    for (const [secretHash, binding] of this.#secrets) {
      if (gone(binding)) this.#secrets.delete(secretHash);
    }
  }
}

function recordChange(key: RecordKey, before: string | null, after: string | null): Change {
  const id = key.kind === 'team' ? key.team : key.id;
  return changeOf({ kind: key.kind, team: key.team, id }, before, after);
}

type OwnKey = Exclude<RecordKey, { kind: 'team' }>;

function recordsOf(space: TeamSpace, kind: OwnKey['kind']): Map<string, string> {
  return kind === 'user' ? space.users : space.tokens;
}

function belongsTo(key: OwnKey, space: TeamSpace, token: string): boolean {
  if (key.kind === 'token') return token === key.id;
  const text = space.tokens.get(token);
  return text !== undefined && (JSON.parse(text) as Token).user === key.id;
}

function ordered(records: [id: string, text: string][]): string[] {
  return records.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, text]) => text);
}

function newEpoch(): string {
  return randomBytes(12).toString('base64url');
}
