import { isRecord, parsedJson } from '../base/request.ts';
import { addedUsage, type Usage } from '../base/outcome.ts';
import { readUsage } from './usage.ts';

/** Joins the answers to the parts of a request for embeddings into the one answer that it would have had. */
export class JoinedEmbeddings {
  /** The fields of the first answer that are the same in all of them. */
  #head: Record<string, unknown> | null = null;
  readonly #data: Buffer[] = [];
  readonly #reported = new Map<string, number>();
  #sum: Usage | null = null;
  /** False once an answer reported none: the sum is unknown. */
  #usageKnown = true;
  /** How many inputs are answered. */
  inputs = 0;
  /** What is kept of the answers. */
  bytes = 0;

  /** The sum of what the answers reported; null if one of them reported nothing, or there is none. */
  get usage(): Usage | null {
    return this.#usageKnown ? this.#sum : null;
  }

  /** Adds the next answer; false if it is not an answer to so many inputs. */
  add(text: string, inputs: number): boolean {
    const answer = parsedJson(text);
    if (!isRecord(answer)) return false;
    const { data, usage, ...head } = answer;
    if (!Array.isArray(data) || data.length !== inputs || !data.every(isRecord)) return false;
    this.#head ??= head;
    this.#addUsage(usage, readUsage(text));
    const offset = this.inputs;
    const items = data.map((item, at) => {
      const index = typeof item['index'] === 'number' ? item['index'] : at;
      return JSON.stringify({ ...item, index: offset + index });
    });
    const piece = Buffer.from(`${offset === 0 ? '' : ','}${items.join(',')}`);
    this.#data.push(piece);
    this.bytes += piece.length;
    this.inputs += inputs;
    return true;
  }

  /** The joined answer, in pieces, usage last. */
  pieces(): Buffer[] {
    const head = JSON.stringify(this.#head ?? {}).slice(0, -1);
    const usage = this.#usageKnown ? `,"usage":${JSON.stringify(Object.fromEntries(this.#reported))}` : '';
    return [
      Buffer.from(`${head}${head === '{' ? '' : ','}"data":[`),
      ...this.#data,
      Buffer.from(`]${usage}}`),
    ];
  }

  #addUsage(reported: unknown, read: Usage | null): void {
    if (!isRecord(reported) || read === null) {
      this.#usageKnown = false;
      return;
    }
    this.#sum = addedUsage(this.#sum, read);
    for (const [name, count] of Object.entries(reported)) {
      if (typeof count === 'number') this.#reported.set(name, (this.#reported.get(name) ?? 0) + count);
    }
  }
}
