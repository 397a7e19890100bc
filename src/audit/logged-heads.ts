import { parsedJson } from '../base/request.ts';
import { z } from 'zod';

/** Stands for a hash when a log has two hashes for one number; equals no hash. */
const contradictory = 'contradictory';

const headLine = z.object({ msg: z.literal('audit head'), sequence: z.int(), hash: z.string() });

/**
 * Collects the heads of the audit trail from the lines of a log: number to hash. A line of the gateway may have a
 * prefix from a log drain, such as `2026-01-31T12:00:00+00:00 app[web.1]:`. All other lines are skipped.
 */
export class LoggedHeads {
  readonly #heads = new Map<number, string>();

  get heads(): ReadonlyMap<number, string> {
    return this.#heads;
  }

  read(line: string): void {
    // Most lines have no head, and parsing them is slow.
    if (!line.includes('"audit head"')) return;
    const text = line.slice(Math.max(0, line.indexOf('{')), line.lastIndexOf('}') + 1);
    const { data: head } = headLine.safeParse(parsedJson(text));
    if (!head) return;
    const known = this.#heads.get(head.sequence);
    this.#heads.set(head.sequence, known === undefined || known === head.hash ? head.hash : contradictory);
  }
}
