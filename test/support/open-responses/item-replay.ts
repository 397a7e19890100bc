import { isDeepStrictEqual } from 'node:util';
import type { StreamEvent } from './events.ts';
import type { OutputItem, Part } from './schemas.ts';

type Of<Type extends StreamEvent['type']> = Extract<StreamEvent, { type: Type }>;

/** The events of one item: those that name an `item_id`. */
export type PieceEvent = Extract<StreamEvent, { item_id: string }>;
type PartEvent = Extract<PieceEvent, { part: Part }>;
type DeltaEvent = Extract<PieceEvent, { delta: string }>;
type TextDoneEvent = Exclude<PieceEvent, PartEvent | DeltaEvent>;

/** How the events of a text begin, by what has the text. Reasoning has two spellings: OpenAI's and the specification's. */
const stems: Record<Part['type'] | 'function_call' | 'custom_tool_call', readonly string[]> = {
  output_text: ['response.output_text'],
  refusal: ['response.refusal'],
  reasoning_text: ['response.reasoning_text', 'response.reasoning'],
  summary_text: ['response.reasoning_summary_text'],
  function_call: ['response.function_call_arguments'],
  custom_tool_call: ['response.custom_tool_call_input'],
};

/** A text that is being written, in a part or in a call. */
interface OpenText {
  stems: readonly string[];
  /** The part that has it, and where; null in a call. */
  part: Part | null;
  index: number | null;
  text: string;
  isDone: boolean;
}

/** Puts one item together from its events, as a client does, and notes what does not fit. */
export class ItemReplay {
  readonly item: OutputItem;
  readonly #outputIndex: number;
  readonly #note: (problem: string) => void;
  readonly #content: Part[] = [];
  readonly #summary: Part[] = [];
  #open: OpenText | null = null;

  constructor({ item, output_index }: Of<'response.output_item.added'>, note: (problem: string) => void) {
    this.item = item;
    this.#outputIndex = output_index;
    this.#note = note;
    if (item.status !== 'in_progress') note(`an item is added as ${item.status}`);
    if (hasText(item)) note('an item is added with text in it');
    if (isCall(item))
      this.#open = { stems: stems[item.type], part: null, index: null, text: '', isDone: false };
  }

  apply(event: PieceEvent): void {
    if (event.item_id !== this.item.id) this.#note(`it is of the item ${event.item_id}, not ${this.item.id}`);
    if (event.output_index !== this.#outputIndex) this.#note(`output_index is not ${this.#outputIndex}`);
    if ('delta' in event) return this.#append(event);
    if (!('part' in event)) return this.#endText(event);
    if (event.type.endsWith('.added')) this.#beginPart(event);
    else this.#endPart(event);
  }

  /** The item as its last event has it. */
  end({ item, output_index }: Of<'response.output_item.done'>): void {
    if (output_index !== this.#outputIndex) this.#note(`output_index is not ${this.#outputIndex}`);
    if (isCall(this.item) ? this.#open?.isDone === false : this.#open !== null) {
      this.#note('an item ends while a text of it is open');
    }
    if (item.status === 'in_progress') this.#note('an item ends as in_progress');
    if (!this.agreesWith(item)) this.#note('an item differs from what its events say');
  }

  /** Whether the item is what the events have said so far; its status may be any. */
  agreesWith(item: OutputItem): boolean {
    return isDeepStrictEqual(comparable(item), comparable(this.#built()));
  }

  #built(): OutputItem {
    const { item } = this;
    const text = this.#open?.text ?? '';
    if (item.type === 'function_call') return { ...item, arguments: text };
    if (item.type === 'custom_tool_call') return { ...item, input: text };
    const unended = this.#open?.part ? [withText(this.#open.part, text)] : [];
    const isSummary = unended[0]?.type === 'summary_text';
    const content = isSummary ? this.#content : [...this.#content, ...unended];
    const summary = isSummary ? [...this.#summary, ...unended] : this.#summary;
    // Which parts an item can have is the schema's matter: the item that this is compared with fits it.
    return (item.type === 'message' ? { ...item, content } : { ...item, content, summary }) as OutputItem;
  }

  #beginPart(event: PartEvent): void {
    const index = indexOf(event);
    if (this.#open !== null) this.#note('a part is added while a text is open');
    if (index !== this.#partsOf(event).length) this.#note(`a part is added at ${String(index)}`);
    if (textOf(event.part) !== '') this.#note('a part is added with text in it');
    this.#open = { stems: stems[event.part.type], part: event.part, index, text: '', isDone: false };
  }

  #append(event: DeltaEvent): void {
    const open = this.#openFor(event, '.delta');
    if (open?.isDone) this.#note('a delta comes after the end of its text');
    if (open) open.text += event.delta;
  }

  #endText(event: TextDoneEvent): void {
    const open = this.#openFor(event, '.done');
    if (!open) return;
    if (open.isDone) this.#note('a text ends twice');
    if (textOf(event) !== open.text) this.#note('a text differs from its deltas');
    open.isDone = true;
  }

  #endPart(event: PartEvent): void {
    const open = this.#open;
    this.#open = null;
    this.#partsOf(event).push(event.part);
    if (open === null || open.index !== indexOf(event)) return this.#note('a part ends that is not open');
    if (!open.isDone) this.#note('a part ends before its text');
    if (open.stems !== stems[event.part.type]) this.#note('a part changes its type');
    if (textOf(event.part) !== open.text) this.#note('a part differs from its deltas');
  }

  /** The open text, if the event belongs to it. */
  #openFor(event: DeltaEvent | TextDoneEvent, suffix: string): OpenText | null {
    const open = this.#open;
    if (open?.index === indexOf(event) && open.stems.some((stem) => event.type === stem + suffix))
      return open;
    this.#note('it is of a text that is not open');
    return null;
  }

  #partsOf(event: PartEvent): Part[] {
    return 'summary_index' in event ? this.#summary : this.#content;
  }
}

type Call = Extract<OutputItem, { call_id: string }>;

function isCall(item: OutputItem): item is Call {
  return item.type === 'function_call' || item.type === 'custom_tool_call';
}

function hasText(item: OutputItem): boolean {
  if (item.type === 'function_call') return item.arguments !== '';
  if (item.type === 'custom_tool_call') return item.input !== '';
  if (item.type === 'message') return item.content.length > 0;
  return item.summary.length > 0 || (item.content ?? []).length > 0;
}

/** Where a part is; null in the events of a call. */
function indexOf(event: PieceEvent): number | null {
  if ('content_index' in event) return event.content_index;
  return 'summary_index' in event ? event.summary_index : null;
}

function withText(of: Part, text: string): Part {
  return of.type === 'refusal' ? { ...of, refusal: text } : { ...of, text };
}

function textOf(of: Part | TextDoneEvent): string {
  if ('text' in of) return of.text;
  if ('refusal' in of) return of.refusal;
  return 'arguments' in of ? of.arguments : of.input;
}

/** An item without its status; parts that an item may leave out count as none. */
function comparable({ status: _status, ...item }: OutputItem): object {
  return { content: [], summary: [], ...item };
}
