import { hash, randomBytes } from 'node:crypto';
import {
  ownerName,
  type ArchiveKey,
  type ArchivedPart,
  type Commit,
  type Provenance,
  type RecordChange,
  type StoredRecord,
} from '../records/archive.ts';
import { gatewayCounterKey } from '../records/gateway-settings.ts';
import { pricesEpoch } from '../records/model-price.ts';
import { AuditedStore, type Change, changeOf } from '../../audit/audit.ts';
import { loadScript } from '../../store/script.ts';
import { StoreUnavailable } from '../../store/store-unavailable.ts';

const readTeam = loadScript(new URL('./read_team.lua', import.meta.url));
const commitRecords = loadScript(new URL('./commit_records.lua', import.meta.url));
const nameStore = loadScript(new URL('./name_store.lua', import.meta.url));

/** Hashes read in one command. More would block the store. */
const hashesACall = 1_000;

/** Where a record is, and what belongs to it, as commit_records.lua takes it. '' stands for nothing. */
interface Place {
  /** The hash it is in; with an empty id a key of its own. */
  hash: string;
  id: string;
  /** Whose epoch moves. */
  team: string;
  /** The hash of the secrets. */
  secrets: string;
  owner: string;
}

/**
 * All identities, for exports and imports. One script reads a team; one makes a change. Methods reject with
 * `StoreUnavailable`.
 */
export class IdentityArchive extends AuditedStore {
  /** The ids of all teams, in order. */
  async teams(): Promise<string[]> {
    const ids = await this.store.attempt((client) => client.hkeys(this.keys.teams));
    return ids.sort();
  }

  /** Everything of a team, in the order of ids; null if there is no such team. */
  async team(id: string): Promise<ArchivedPart | null> {
    const keys = this.keys;
    const reply = await this.store.run(
      readTeam,
      [keys.teams, keys.users(id), keys.tokens(id), keys.secrets, keys.epochs],
      [id],
    );
    return reply === null ? null : archivedTeam(reply);
  }

  /** What is of no team, and the webhooks of all teams. */
  async gateway(): Promise<ArchivedPart> {
    const {
      settings: settingsKey,
      admins,
      adminSecrets,
      prices: pricesKey,
      webhooks: webhooksKey,
    } = this.keys;
    const [settings, records, secrets, priced, told] = await this.store.attempt((client) =>
      Promise.all([
        client.get(settingsKey),
        client.hgetall(admins),
        client.hgetall(adminSecrets),
        client.hgetall(pricesKey),
        client.hgetall(webhooksKey),
      ]),
    );
    const administrators = inOrder(records).map(([id, text]): StoredRecord => {
      const secret = secrets[id];
      return { text, secrets: secret === undefined ? [] : [secret] };
    });
    const prices = inOrder(priced).map(([, text]) => text);
    const webhooks = inOrder(told).map(([, text]) => text);
    return { team: null, epoch: '', users: [], tokens: [], settings, administrators, prices, webhooks };
  }

  /** For each hash the token it is bound to, as `team/token id`, or null. */
  async owners(secrets: readonly string[]): Promise<(string | null)[]> {
    const found: (string | null)[] = [];
    for (let at = 0; at < secrets.length; at += hashesACall) {
      const some = secrets.slice(at, at + hashesACall);
      found.push(...(await this.store.attempt((client) => client.hmget(this.keys.secrets, ...some))));
    }
    return found;
  }

  /**
   * Makes all changes in one step, or none: `conflict` where anything is not as it was found, or a secret
   * is another token's, or an epoch has moved. The epochs of the teams that changed move. A full store refuses.
   */
  async commit({ changes, seen, epochs = new Map() }: Commit): Promise<'done' | 'conflict'> {
    const keys = this.keys;
    const reply = await this.changes.run(commitRecords, {
      keys: [keys.epochs, keys.provenance],
      args: [
        // Random, so that no two changes can give a team the same epoch.
        randomBytes(12).toString('base64url'),
        seen ? digest(seen.found) : '-',
        seen?.next ?? '',
        // One text: a call with a hundred thousand arguments is more than JavaScript's stack holds.
        changes.map((change) => fieldsOf(change, this.#placeOf(change.key))).join(''),
        [...epochs].map(([team, epoch]) => `${team}\n${epoch}\n`).join(''),
      ],
      change: this.#auditOf(changes),
    });
    return reply === 1 ? 'done' : 'conflict';
  }

  #placeOf(key: ArchiveKey): Place {
    const { teams, users, tokens, secrets, settings, admins, adminSecrets, prices, webhooks } = this.keys;
    const { team } = key;
    switch (key.kind) {
      case 'team':
        return { hash: teams, id: team, team, secrets: '', owner: '' };
      case 'user':
        return { hash: users(team), id: key.id, team, secrets: '', owner: '' };
      case 'token':
        return { hash: tokens(team), id: key.id, team, secrets, owner: ownerName(key) };
      case 'settings':
        return { hash: settings, id: '', team, secrets: '', owner: '' };
      case 'administrator':
        // Looked up at every use and cached nowhere: no epoch has to move.
        return { hash: admins, id: key.id, team: '', secrets: adminSecrets, owner: key.id };
      case 'price':
        return { hash: prices, id: key.id, team: pricesEpoch, secrets: '', owner: '' };
      case 'webhook':
        // Read anew whenever events are handed out.
        return { hash: webhooks, id: key.id, team: '', secrets: '', owner: '' };
    }
  }

  /** A change of many records, for the trail; null if none of them changes. */
  #auditOf(changes: readonly RecordChange[]): Change | null {
    const records = changes.flatMap(({ key, found, next }) => {
      if (next === null) return [];
      const team = key.team === gatewayCounterKey ? null : key.team;
      const id = this.#placeOf(key).id || null; // the settings have none
      return [changeOf({ kind: key.kind, team, id }, found?.text ?? null, next.text)];
    });
    if (records.length === 0) return null;
    return { kind: 'import', team: null, id: null, before: null, after: null, records };
  }

  async provenance(): Promise<Provenance> {
    const [store = null, seen = null] = await this.store.attempt((client) =>
      client.hmget(this.keys.provenance, 'store', 'seen'),
    );
    return { store, seen: seen ?? '' };
  }

  /** The store's name, made now if it has none; null if it has none and is full. */
  async storeName(): Promise<string | null> {
    const { store } = await this.provenance();
    if (store !== null) return store;
    try {
      const name = randomBytes(12).toString('base64url');
      return String(await this.store.run(nameStore, [this.keys.provenance], [name]));
    } catch (error) {
      if (error instanceof StoreUnavailable && error.isFull) return null;
      throw error;
    }
  }
}

/** The fields of a hash by name. */
function inOrder(fields: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** A record's fields, each ended by a line feed, which JSON has none of. */
function fieldsOf({ found, next }: RecordChange, { hash: where, id, team, secrets, owner }: Place): string {
  const fields = [
    where,
    id,
    team,
    secrets,
    owner,
    digest(found?.text ?? ''),
    joined(found),
    next?.text ?? '',
    joined(next),
  ];
  return `${fields.join('\n')}\n`;
}

function joined(record: StoredRecord | null): string {
  return record?.secrets.join(' ') ?? '';
}

function digest(text: string): string {
  return text === '' ? '' : hash('sha1', text, 'hex');
}

function archivedTeam(reply: unknown): ArchivedPart {
  const [team, users, tokens, epoch] = Array.isArray(reply) ? (reply as unknown[]) : [];
  if (typeof team !== 'string' || !Array.isArray(users) || !Array.isArray(tokens)) {
    throw new StoreUnavailable('The store gave an answer that read_team.lua does not give.');
  }
  return {
    team,
    epoch: String(epoch),
    settings: null,
    administrators: [],
    prices: [],
    webhooks: [],
    users: inGroups(users.map(String), 2).map(([, text = '']) => text),
    tokens: inGroups(tokens.map(String), 3).map(([, text = '', secrets = '']) => ({
      text,
      secrets: secrets.split(' ').filter((secret) => secret !== ''),
    })),
  };
}

/** A flat list of records as a list of them, in the order of their ids, which come first. */
function inGroups(flat: readonly string[], width: number): string[][] {
  const groups: string[][] = [];
  for (let at = 0; at < flat.length; at += width) groups.push(flat.slice(at, at + width));
  return groups.sort(([a = ''], [b = '']) => (a < b ? -1 : 1));
}
