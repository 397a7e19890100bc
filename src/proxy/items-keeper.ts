import { isRecord, parsedJson } from '../base/request.ts';
import { maxKeptBytes } from '../limits/kept-answer.ts';
import { type KeptItems, ResponseKey } from '../limits/kept-items.ts';
import type { Holding } from '../memory/holding.ts';
import type { AnswerKeeper } from './answer-keeper.ts';

/** The event that ends a stream; its data is one line. What a model says cannot look like it: JSON has no line feed. */
const lastEvent = /^event: response\.(?:completed|incomplete)\ndata: (.+)$/m;
const responseId = /^resp_([0-9a-f]{32})$/;
/** A response also repeats its request. */
const maxResponseBytes = 4 * maxKeptBytes;

/** Gathers a response, to keep its items for requests that refer to them. */
export class ItemsKeeper implements AnswerKeeper {
  readonly #principal: string;
  readonly #holding: Pick<Holding, 'kept'>;
  #status = 0;
  #isStream = false;
  /** As Latin-1. Null: not kept. */
  #text: string | null = '';

  /** `principal`: whose response it is. */
  constructor(principal: string, holding: Pick<Holding, 'kept'>) {
    this.#principal = principal;
    this.#holding = holding;
  }

  get gathers(): boolean {
    return this.#text !== null;
  }

  begin(status: number, headers: readonly string[]): void {
    this.#status = status;
    this.#isStream = headers.some((value) => value.startsWith('text/event-stream'));
  }

  with(): void {
    // Only the body has items.
  }

  add(text: string): void {
    if (this.#text === null) return;
    const more = this.#isStream ? (lastEvent.exec(text)?.[1] ?? '') : text;
    if (more === '') return;
    const bytes = this.#text.length + more.length;
    if (bytes <= maxResponseBytes && this.#holding.kept(bytes) === null) this.#text += more;
    else this.#drop();
  }

  take(): KeptItems | null {
    const text = this.#status === 200 ? this.#text : null;
    this.#drop();
    const said = text === null ? null : parsedJson(Buffer.from(text, 'latin1').toString());
    const response = this.#isStream && isRecord(said) ? said['response'] : said;
    if (!isRecord(response) || response['status'] === 'failed' || !Array.isArray(response['output']))
      return null;
    const random = responseId.exec(String(response['id']))?.[1];
    // Nothing of what a model thought goes back to it, so nobody need refer to that.
    const items = response['output'].filter(isRecord).filter(({ type }) => type !== 'reasoning');
    if (random === undefined || items.length === 0) return null;
    return new ResponseKey(this.#principal, random).seal(items);
  }

  #drop(): void {
    this.#text = null;
    this.#holding.kept(0);
  }
}
