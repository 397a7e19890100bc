import { randomBytes } from 'node:crypto';
import {
  ownerName,
  type ArchiveKey,
  type ArchivedPart,
  type Commit,
  type IdentityArchive,
  type Provenance,
  type RecordChange,
  type StoredRecord,
} from '../records/archive.ts';
import { unaudited, type AuditedWork } from '../../audit/audit.ts';
import { importChange } from './import-change.ts';
import type { MemoryAdministratorStore } from './memory-administrator-store.ts';
import type { MemoryIdentityStore } from './memory-identity-store.ts';

/** All identities of this process, to be written out and read in. Behaves as the Redis archive does. */
export class MemoryArchive implements IdentityArchive {
  readonly #identities: MemoryIdentityStore;
  readonly #administrators: MemoryAdministratorStore;
  readonly #changes: AuditedWork;
  readonly #provenance: Provenance = { store: null, seen: '' };

  constructor(
    identities: MemoryIdentityStore,
    administrators: MemoryAdministratorStore,
    changes: AuditedWork = unaudited,
  ) {
    this.#identities = identities;
    this.#administrators = administrators;
    this.#changes = changes;
  }

  async teams(): Promise<string[]> {
    return [...this.#identities.spaces.keys()].sort();
  }

  async team(id: string): Promise<ArchivedPart | null> {
    const space = this.#identities.spaces.get(id);
    if (!space) return null;
    const secrets = this.#secretsByOwner();
    return {
      team: space.text,
      settings: null,
      administrators: [],
      users: ordered(space.users).map(([, text]) => text),
      tokens: ordered(space.tokens).map(([token, text]) => ({
        text,
        secrets: secrets.get(ownerName({ team: id, id: token })) ?? [],
      })),
    };
  }

  async gateway(): Promise<ArchivedPart> {
    const administrators = this.#administrators.records();
    return { team: null, users: [], tokens: [], settings: this.#identities.settingsText, administrators };
  }

  async owners(secrets: readonly string[]): Promise<(string | null)[]> {
    return secrets.map((secret) => this.#ownerOf(secret));
  }

  async commit(commit: Commit): Promise<'done' | 'conflict'> {
    return this.#changes.make(importChange(commit.changes), () => this.#commit(commit));
  }

  #commit({ changes, seen }: Commit): 'done' | 'conflict' {
    if (seen && this.#provenance.seen !== seen.found) return 'conflict';
    const secrets = this.#secretsByOwner();
    if (!changes.every((change) => this.#fits(change, secrets))) return 'conflict';
    const touched = new Set<string>();
    for (const { key, found, next } of changes) {
      if (next === null) continue;
      this.#write(key, found, next);
      touched.add(key.team);
    }
    const epoch = randomBytes(12).toString('base64url');
    for (const team of touched) {
      const space = this.#identities.spaces.get(team);
      if (space) space.epoch = epoch;
    }
    if (seen && seen.next !== '') this.#provenance.seen = seen.next;
    return 'done';
  }

  async provenance(): Promise<Provenance> {
    return { ...this.#provenance };
  }

  async storeName(): Promise<string> {
    this.#provenance.store ??= randomBytes(12).toString('base64url');
    return this.#provenance.store;
  }

  #fits({ key, found, next }: RecordChange, secrets: ReadonlyMap<string, string[]>): boolean {
    if (this.#textOf(key) !== (found?.text ?? null)) return false;
    if (key.kind === 'administrator') return this.#administrators.mayHave(key.id, next?.secrets ?? []);
    if (key.kind !== 'token') return true;
    const owner = ownerName(key);
    if ((secrets.get(owner) ?? []).join(' ') !== (found?.secrets ?? []).join(' ')) return false;
    return (next?.secrets ?? []).every((secret) => (this.#ownerOf(secret) ?? owner) === owner);
  }

  #textOf(key: ArchiveKey): string | null {
    if (key.kind === 'settings') return this.#identities.settingsText;
    if (key.kind === 'administrator') return this.#administrators.textOf(key.id);
    const space = this.#identities.spaces.get(key.team);
    if (!space || key.kind === 'team') return space?.text ?? null;
    return (key.kind === 'user' ? space.users : space.tokens).get(key.id) ?? null;
  }

  #write(key: ArchiveKey, found: StoredRecord | null, { text, secrets }: StoredRecord): void {
    if (key.kind === 'settings') {
      this.#identities.putSettings(text);
      return;
    }
    if (key.kind === 'administrator') {
      this.#administrators.put(key.id, { text, secretHash: secrets[0] ?? '' });
      return;
    }
    const { spaces, bindings } = this.#identities;
    const space = spaces.get(key.team) ?? { text, epoch: '', users: new Map(), tokens: new Map() };
    spaces.set(key.team, space);
    if (key.kind === 'team') {
      space.text = text;
      return;
    }
    (key.kind === 'user' ? space.users : space.tokens).set(key.id, text);
    for (const secret of found?.secrets ?? []) bindings.delete(secret);
    // The newest is bound last, as when they were made.
    for (const secret of secrets.toReversed()) bindings.set(secret, { team: key.team, token: key.id });
  }

  #ownerOf(secret: string): string | null {
    const binding = this.#identities.bindings.get(secret);
    return binding ? ownerName({ team: binding.team, id: binding.token }) : null;
  }

  /** By `team/token id`, the newest first. */
  #secretsByOwner(): Map<string, string[]> {
    const secrets = new Map<string, string[]>();
    for (const [secret, { team, token }] of this.#identities.bindings) {
      const owner = ownerName({ team, id: token });
      secrets.set(owner, [secret, ...(secrets.get(owner) ?? [])]);
    }
    return secrets;
  }
}

function ordered(records: ReadonlyMap<string, string>): [id: string, text: string][] {
  return [...records].sort(([a], [b]) => (a < b ? -1 : 1));
}
