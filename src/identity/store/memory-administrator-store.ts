import type { Administrator, AdministratorResolution, AdministratorStore } from '../records/administrator.ts';
import { changeOf, unaudited, type AuditedWork } from '../../audit/audit.ts';
import type { Clock } from '../../base/clock.ts';

interface Kept {
  /** A copy nobody else holds. */
  text: string;
  secretHash: string;
}

/** Administrators in this process: the embedded default. Behaves as the Redis store does; one contract suite runs on both. */
export class MemoryAdministratorStore implements AdministratorStore {
  readonly #clock: Clock;
  readonly #changes: AuditedWork;
  readonly #kept = new Map<string, Kept>();
  readonly #ids = new Map<string, string>();

  constructor(clock: Clock, changes: AuditedWork = unaudited) {
    this.#clock = clock;
    this.#changes = changes;
  }

  async resolve(secretHash: string): Promise<AdministratorResolution> {
    const id = this.#ids.get(secretHash);
    return { nowMs: this.#clock.now(), administrator: id === undefined ? null : await this.read(id) };
  }

  async create(administrator: Administrator, secretHash: string): Promise<'created' | 'exists'> {
    const { id } = administrator;
    const text = JSON.stringify(administrator);
    return this.#changes.make(changeOf({ kind: 'administrator', team: null, id }, null, text), () => {
      if (this.#kept.has(id) || this.#ids.has(secretHash)) return 'exists';
      this.#kept.set(id, { text, secretHash });
      this.#ids.set(secretHash, id);
      return 'created';
    });
  }

  async read(id: string): Promise<Administrator | null> {
    const kept = this.#kept.get(id);
    return kept ? parse(kept) : null;
  }

  async list(): Promise<Administrator[]> {
    return [...this.#kept].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, kept]) => parse(kept));
  }

  /** All records with their secrets, by id: for the archive beside this store. */
  records(): { text: string; secrets: string[] }[] {
    const ordered = [...this.#kept].sort(([a], [b]) => (a < b ? -1 : 1));
    return ordered.map(([, { text, secretHash }]) => ({
      text,
      secrets: secretHash === '' ? [] : [secretHash],
    }));
  }

  textOf(id: string): string | null {
    return this.#kept.get(id)?.text ?? null;
  }

  /** Whether none of these secrets is another's. */
  mayHave(id: string, secrets: readonly string[]): boolean {
    return secrets.every((secret) => (this.#ids.get(secret) ?? id) === id);
  }

  /** Writes a record as it is, in place of the one there is. */
  put(id: string, kept: Kept): void {
    this.#ids.delete(this.#kept.get(id)?.secretHash ?? '');
    this.#kept.set(id, kept);
    if (kept.secretHash !== '') this.#ids.set(kept.secretHash, id);
  }

  async delete(id: string): Promise<boolean> {
    const kept = this.#kept.get(id);
    const change = changeOf({ kind: 'administrator', team: null, id }, kept?.text ?? null, null);
    return this.#changes.make(change, () => {
      this.#ids.delete(kept?.secretHash ?? '');
      return this.#kept.delete(id);
    });
  }
}

function parse({ text }: Kept): Administrator {
  return JSON.parse(text) as Administrator; // written as this type above
}
