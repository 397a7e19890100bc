import type { JsonObject } from '../../base/request.ts';
import { textIn } from '../documented.ts';
import { type Findings, joinPath } from '../findings.ts';

/** Pairs calls with their outputs. Some models number their calls anew in each turn, so an id may come again. */
export class OpenCalls {
  readonly #findings: Findings;
  /** Their ids, and paths. */
  readonly #open = new Map<string, string>();

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  open(call: JsonObject, path: string): void {
    const id = textIn(call, 'call_id');
    const other = this.#open.get(id);
    if (other !== undefined && id !== '') {
      this.#findings.add(
        joinPath(path, 'call_id'),
        `is that of ${other} too, which has no output before this; give each call an id of its own`,
      );
    }
    this.#open.set(id, path);
  }

  close(output: JsonObject, path: string): void {
    const id = textIn(output, 'call_id');
    if (id === '' || this.#open.delete(id)) return;
    this.#findings.add(
      joinPath(path, 'call_id'),
      'must be the call_id of a call before it that has no other output; send that call too',
    );
  }

  end(): void {
    for (const [id, path] of this.#open) {
      if (id !== '') this.#findings.add(path, 'needs its output: an item after it with the same call_id');
      if (this.#findings.full) return;
    }
  }
}
