import { isRecord, type JsonObject, type ValidRequest } from '../base/request.ts';
import type { Usage } from '../base/outcome.ts';
import { readUsage } from './usage.ts';

/** Dev Center, heroku-inference-api-v1-embeddings. */
const maxInputs = 96;
/** Of an answer, its share of one input: 1,536 numbers, each in 20 characters. */
const bytesAnInput = 32_768;

/** The bodies of several requests that together ask what one with too many inputs does; null where one will do. */
export function splitInputs({ endpoint, body }: ValidRequest): readonly JsonObject[] | null {
  const { input } = body;
  if (endpoint.modelKind !== 'embeddings' || !Array.isArray(input) || input.length <= maxInputs) return null;
  const count = Math.ceil(input.length / maxInputs);
  return Array.from({ length: count }, (_, n) => ({
    ...body,
    input: input.slice(n * maxInputs, (n + 1) * maxInputs),
  }));
}

/** The most bytes of answers that are held until the last of them is there; 0 for what is sent as it is. */
export function heldAnswerBytes({ endpoint, body: { input } }: ValidRequest): number {
  const isSplit = endpoint.modelKind === 'embeddings' && Array.isArray(input) && input.length > maxInputs;
  return isSplit ? input.length * bytesAnInput : 0;
}

/** Answers to parts of one request for embeddings, made into the one answer it would have had. */
export class JoinedEmbeddings {
  /** What is the same in every answer, taken from the first. */
  #head: Record<string, unknown> | null = null;
  readonly #data: Buffer[] = [];
  readonly #usage = new Map<string, number>();
  #used: Usage | null = null;
  /** Answers without usage leave the sum unknown. */
  #usageKnown = true;
  #inputs = 0;

  /** Answers so far. */
  get answers(): number {
    return this.#data.length;
  }

  /** What the answers reported together; null where one of them did not, or there is none. */
  get used(): Usage | null {
    return this.#usageKnown ? this.#used : null;
  }

  /** Takes the next answer; false where it is not one to so many inputs. */
  add(text: string, inputs: number): boolean {
    const answer = recordIn(text);
    const data = answer?.['data'];
    if (!answer || !Array.isArray(data) || data.length !== inputs || !data.every(isRecord)) return false;
    const { data: _, usage, ...head } = answer;
    this.#head ??= head;
    this.#addUsage(usage, readUsage(text));
    const offset = this.#inputs;
    const items = data.map((item, at) => {
      const index = typeof item['index'] === 'number' ? item['index'] : at;
      return JSON.stringify({ ...item, index: offset + index });
    });
    this.#data.push(Buffer.from(`${offset === 0 ? '' : ','}${items.join(',')}`));
    this.#inputs += inputs;
    return true;
  }

  /** The joined answer, in pieces; usage comes last, where it is looked for. */
  pieces(): Buffer[] {
    const head = JSON.stringify(this.#head ?? {}).slice(0, -1);
    const usage = this.#usageKnown ? `,"usage":${JSON.stringify(Object.fromEntries(this.#usage))}` : '';
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
    const { inputTokens, outputTokens } = this.#used ?? { inputTokens: 0, outputTokens: 0 };
    this.#used = {
      inputTokens: inputTokens + read.inputTokens,
      outputTokens: outputTokens + read.outputTokens,
    };
    for (const [name, count] of Object.entries(reported)) {
      if (typeof count === 'number') this.#usage.set(name, (this.#usage.get(name) ?? 0) + count);
    }
  }
}

function recordIn(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
}
