import { KeptAnswer, maxKeptBytes } from '../limits/kept-answer.ts';
import type { KeptItems } from '../limits/kept-items.ts';
import type { Holding } from '../memory/holding.ts';

/** Gathers an answer, or a part of it, while it is passed on. */
export interface AnswerKeeper {
  /** What comes is still kept. */
  readonly gathers: boolean;
  /** Its head, with the headers that are the answer's own, a flat list. */
  begin(status: number, headers: readonly string[]): void;
  /** More headers of it: what the attempts at it say. */
  with(headers: readonly string[]): void;
  /** The next bytes of its body, as Latin-1; of a stream, whole events. */
  add(text: string): void;
  /** What was gathered, which is given back; null if it is not kept. */
  take(): KeptAnswer | KeptItems | null;
}

/**
 * Gathers the answer to a call with an Idempotency-Key, whole. What is too large, or finds no room in the caller's share of
 * memory, is not kept.
 */
export class WholeAnswer implements AnswerKeeper {
  readonly #holding: Pick<Holding, 'kept'>;
  #status = 0;
  #headers: readonly string[] = [];
  /** As Latin-1. Null: not kept. */
  #texts: string[] | null = [];
  #bytes = 0;

  constructor(holding: Pick<Holding, 'kept'>) {
    this.#holding = holding;
  }

  get gathers(): boolean {
    return this.#texts !== null;
  }

  begin(status: number, headers: readonly string[]): void {
    this.#status = status;
    this.#headers = headers;
  }

  with(headers: readonly string[]): void {
    if (headers.length > 0) this.#headers = [...headers, ...this.#headers];
  }

  add(text: string): void {
    if (this.#texts === null) return;
    this.#bytes += text.length;
    if (this.#bytes <= maxKeptBytes && this.#holding.kept(this.#bytes) === null) this.#texts.push(text);
    else this.#drop();
  }

  take(): KeptAnswer | null {
    const body = this.#texts && Buffer.from(this.#texts.join(''), 'latin1');
    this.#drop();
    return body && this.#status > 0
      ? new KeptAnswer({ status: this.#status, headers: this.#headers }, body)
      : null;
  }

  #drop(): void {
    this.#texts = null;
    this.#holding.kept(0);
  }
}
