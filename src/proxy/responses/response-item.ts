import { isRecord } from '../../base/request.ts';
import type { DeltaMembers, EventMembers } from './event-writer.ts';
import { GatheredText } from './gathered-text.ts';
import { type CalledTool, type ItemForm, type ItemKind, itemForms, type ItemStatus } from './item-forms.ts';
import { jsonIn, parsedRaw } from './raw-json.ts';

const nobody: CalledTool = { callId: '', name: '', namespace: null };

/** An item of the output on its way: what was written of it, and the events that tell of it. */
export class ResponseItem {
  /** Until a call has said whom it calls, these two may change; it begins after that. */
  kind: ItemKind;
  called: CalledTool;
  /** Its last event has been told. */
  hasEnded = false;
  readonly #written = new GatheredText();
  #id = '';
  #place = '';
  #index = 0;

  constructor(kind: ItemKind, called: CalledTool = nobody) {
    this.kind = kind;
    this.called = called;
  }

  get #form(): ItemForm {
    return itemForms[this.kind];
  }

  /** What is kept of it. */
  get length(): number {
    return this.#written.length;
  }

  /** Its text so far, a raw string. */
  get raw(): string {
    return this.#written.text;
  }

  get isCall(): boolean {
    return this.kind === 'function' || this.kind === 'custom';
  }

  /** A call that has not said whom it calls. */
  get isNameless(): boolean {
    return this.isCall && this.called.name === '';
  }

  /** Whether its deltas are told as they come. The input of a custom tool is inside its arguments, and comes at the end. */
  get isTold(): boolean {
    return this.kind !== 'custom';
  }

  /** Whether no more can follow. Only the arguments of a call say so of themselves. */
  get isWhole(): boolean {
    return !this.isCall || parsedRaw(jsonIn(this.raw)) !== undefined;
  }

  /** Adds to its text, a raw string. */
  add(raw: string): void {
    this.#written.add(raw);
  }

  /** The events that begin it, as the output's item at `index`. `random` is the part of its id that the response has too. */
  begin(index: number, random: string): EventMembers[] {
    const { idPrefix, part } = this.#form;
    this.#index = index;
    this.#id = `${idPrefix}${random}${index}`;
    this.#place = `"item_id":"${this.#id}","output_index":${index}`;
    const item = this.#json('in_progress', null);
    const added: EventMembers = ['response.output_item.added', this.#itemMembers(item)];
    return part === null ? [added] : [added, [part.added, this.#partMembers(part, '')]];
  }

  /** The event of a delta, around its text. */
  get deltaMembers(): DeltaMembers {
    const { delta, more } = this.#form;
    return { type: delta, before: `${this.#textPlace},"delta":"`, after: `"${more}` };
  }

  /** Ends it: the events that tell so, and the item as it is in the output. */
  end(status: Exclude<ItemStatus, 'in_progress'>): { events: EventMembers[]; json: string } {
    const { done, part, textMember, more, doneMore } = this.#form;
    const text = this.kind === 'custom' ? inputOf(this.raw) : this.raw;
    const json = this.#json(status, text);
    this.hasEnded = true;
    const events: EventMembers[] = [];
    if (!this.isTold && text !== '') {
      const { type, before, after } = this.deltaMembers;
      events.push([type, `${before}${text}${after}`]);
    }
    events.push([done, `${this.#textPlace},"${textMember}":"${text}"${more}${doneMore(this.called)}`]);
    if (part !== null) events.push([part.done, this.#partMembers(part, text)]);
    events.push(['response.output_item.done', this.#itemMembers(json)]);
    return { events, json };
  }

  /** As far as its events have told it. */
  get toldJson(): string {
    return this.#json('incomplete', this.isTold ? this.raw : '');
  }

  #json(status: ItemStatus, raw: string | null): string {
    return this.#form.json({ id: this.#id, status, raw, called: this.called });
  }

  get #textPlace(): string {
    const { part } = this.#form;
    return part === null ? this.#place : `${this.#place},${part.index}`;
  }

  #itemMembers(json: string): string {
    return `"output_index":${this.#index},"item":${json}`;
  }

  #partMembers(part: NonNullable<ItemForm['part']>, raw: string): string {
    return `${this.#textPlace},"part":${part.json(raw)}`;
  }
}

/** The input of a custom tool, which the upstream has as `{"input": …}`. Arguments of another form are the input themselves. */
function inputOf(rawArguments: string): string {
  const value = parsedRaw(jsonIn(rawArguments));
  if (!isRecord(value) || typeof value['input'] !== 'string') return rawArguments;
  return Object.keys(value).length === 1 ? value['input'] : rawArguments;
}
