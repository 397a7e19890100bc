/** What no hash is: a number that a log has two hashes for. */
const contradictory = 'contradictory';

/**
 * Heads of the audit trail from the lines of a log: number to hash. Takes the gateway's lines of JSON with whatever a
 * drain has put before them, such as `2026-01-31T12:00:00+00:00 app[web.1]:`; all other lines are passed over.
 */
export class LoggedHeads {
  readonly #heads = new Map<number, string>();

  get heads(): ReadonlyMap<number, string> {
    return this.#heads;
  }

  read(line: string): void {
    // Most lines are others: they are not parsed.
    if (!line.includes('"audit head"')) return;
    const head = headIn(line.slice(Math.max(0, line.indexOf('{'))));
    if (!head) return;
    const known = this.#heads.get(head.sequence);
    this.#heads.set(head.sequence, known === undefined || known === head.hash ? head.hash : contradictory);
  }
}

function headIn(text: string): { sequence: number; hash: string } | null {
  let value: unknown;
  try {
    value = JSON.parse(text.slice(0, text.lastIndexOf('}') + 1));
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null || !('msg' in value) || value.msg !== 'audit head')
    return null;
  if (!('sequence' in value) || !('hash' in value)) return null;
  const { sequence, hash } = value;
  if (typeof sequence !== 'number' || !Number.isSafeInteger(sequence) || typeof hash !== 'string')
    return null;
  return { sequence, hash };
}
