/** Who waits in a queue: whatever, of some team. */
export interface Queued {
  readonly team: string;
}

/** A bounded queue that serves teams in turn, and within a team who came first. */
export class FairQueue<T extends Queued> {
  size = 0;
  readonly #max: number;
  readonly #maxOfTeam: number;
  /** In the order of their turns: a team that was served goes to the end. */
  readonly #teams = new Map<string, T[]>();

  constructor({ max, maxOfTeam }: { max: number; maxOfTeam: number }) {
    this.#max = max;
    this.#maxOfTeam = maxOfTeam;
  }

  /** Whether there is a place for one more of a team. */
  hasPlace(team: string): boolean {
    return this.size < this.#max && (this.#teams.get(team)?.length ?? 0) < this.#maxOfTeam;
  }

  add(item: T): void {
    const line = this.#teams.get(item.team);
    if (line) line.push(item);
    else this.#teams.set(item.team, [item]);
    this.size += 1;
  }

  /** Takes one out, wherever it stands. */
  remove(item: T): void {
    const line = this.#teams.get(item.team);
    const at = line?.indexOf(item) ?? -1;
    if (!line || at < 0) return;
    line.splice(at, 1);
    this.size -= 1;
    if (line.length === 0) this.#teams.delete(item.team);
  }

  /** The next one whose turn it is among those that are ready; null where none is. */
  take(ready: (item: T) => boolean): T | null {
    for (const [team, line] of this.#teams) {
      const item = line.find(ready);
      if (item === undefined) continue;
      this.remove(item);
      if (line.length > 0) {
        this.#teams.delete(team);
        this.#teams.set(team, line);
      }
      return item;
    }
    return null;
  }

  /** All of them, as they stand now. */
  all(): T[] {
    return [...this.#teams.values()].flat();
  }
}
