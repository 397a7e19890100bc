import type { Clock } from '../../base/clock.ts';
import type { Translation } from '../../base/request.ts';
import { copied } from '../event-shape.ts';
import { EventWriter } from './event-writer.ts';
import type { CalledTool, ItemKind, TextKind } from './item-forms.ts';
import { rawOf, textOf } from './raw-json.ts';
import { ResponseItem } from './response-item.ts';
import {
  begunState,
  type IncompleteReason,
  type ResponseHead,
  responseJson,
  type ResponseState,
  type ResponseUsage,
} from './response-object.ts';
import type { ToldError } from './told-error.ts';

/** What a response needs to know before anything of its answer has come. */
export interface ResponseOptions {
  translation: Translation;
  /** The model that was asked for, in case the answer names none. */
  model: string;
  /** 32 hexadecimal digits. */
  random: string;
  clock: Pick<Clock, 'now'>;
}

/** More of a tool call: raw strings, empty if they are not said again. */
interface CallDelta {
  /** Which of the answer's calls it is. */
  index: number;
  id: string;
  name: string;
  rawArguments: string;
}

/** What an item takes besides its text, about. */
const itemChars = 128;
/** Texts are told again when their item ends, three times, and at the end; there must be room for that, too. */
const timesOpen = 5;
const timesEnded = 2;

/**
 * A response on its way: what a chat answer says goes in, the events that tell it come out, as Latin-1 text. One item is
 * open at a time. If another one begins, the open one ends, unless it is a call whose arguments are not whole: more of it
 * may come, so that what is new waits for the answer's end.
 */
export class ResponseEvents {
  /** How many texts have come, the last one, and the item that it was for. */
  deltas = 0;
  lastRaw = '';
  lastItem: ResponseItem | null = null;
  readonly #options: ResponseOptions;
  #head: ResponseHead | null = null;
  readonly #events = new EventWriter();
  #open: ResponseItem | null = null;
  readonly #waiting: ResponseItem[] = [];
  /** The newest call of each index, with the id that the answer has for it. */
  readonly #calls = new Map<number, { item: ResponseItem; id: string }>();
  readonly #callIds = new Set<string>();
  /** Items that have ended, as JSON. */
  readonly #output: string[] = [];
  /** Texts of items that have not ended; what is told again at the end. */
  #openChars = 0;
  #endedChars: number;
  #hasAnswer = false;
  #incompleteReason: IncompleteReason | null = null;
  #usage: ResponseUsage | null = null;

  constructor(options: ResponseOptions) {
    this.#options = options;
    this.#endedChars = options.translation.repeated.length;
  }

  /** What is kept in memory for the events that are to come, with the room that they will take. */
  get keptBytes(): number {
    return this.#openChars * timesOpen + this.#endedChars * timesEnded;
  }

  /** The events since they were taken last. */
  take(): string {
    return this.#events.take();
  }

  /** The answer has begun. `rawModel` is what it calls its model; empty if it does not say. */
  begin(rawModel: string): void {
    if (this.#head === null) this.#begin(rawModel);
  }

  /** More text of a kind, a raw string. */
  text(kind: TextKind, raw: string): void {
    if (raw === '') return;
    const newest = this.#waiting.at(-1) ?? this.#open;
    this.#add(newest?.kind === kind ? newest : this.#bringIn(new ResponseItem(kind)), raw);
  }

  /** More of a call. */
  call({ index, id, name, rawArguments }: CallDelta): void {
    const known = this.#calls.get(index);
    const isOther = id !== '' && name !== '' && known?.id !== '' && id !== known?.id;
    const item = known === undefined || isOther ? this.#newCall(index, id, name) : known.item;
    if (item.called.name === '' && name !== '') {
      item.kind = this.#callKind(name);
      item.called = this.#called(id || item.called.callId, name);
    }
    this.#add(item, rawArguments);
  }

  /** More text, as the last that came for `item`: more of its call, or of the kind of text that it is. */
  again(item: ResponseItem, raw: string): void {
    if (item.kind === 'function' || item.kind === 'custom') this.#add(item, raw);
    else this.text(item.kind, raw);
  }

  #add(item: ResponseItem, raw: string): void {
    // A call that was whole has ended, and more of it means nothing.
    if (raw === '' || item.hasEnded) return;
    this.deltas += 1;
    this.lastRaw = raw;
    this.lastItem = item;
    this.#openChars += raw.length;
    item.add(raw);
    if (item === this.#open && item.isTold) this.#events.delta(raw);
  }

  /** Why the answer has ended, in the chat's words. Empty: it has not said so. */
  finish(reason: string): void {
    if (reason === 'length' || reason === 'max_tokens') this.#incompleteReason = 'max_output_tokens';
    if (reason === 'content_filter') this.#incompleteReason = 'content_filter';
  }

  /** What the answer has used, as far as it is known now. */
  use(usage: ResponseUsage): void {
    this.#usage = usage;
  }

  /** The answer is complete. Its last item is incomplete if the answer is. */
  complete(): ResponseState {
    this.begin('');
    for (const item of this.#waiting.splice(0)) {
      if (item.isNameless) continue; // nobody is called
      this.#endOpen('completed');
      this.#openItem(item);
    }
    const status = this.#incompleteReason === null ? 'completed' : 'incomplete';
    // An answer that says nothing is a message without text.
    if (!this.#hasAnswer && status === 'completed') this.#bringIn(new ResponseItem('text'));
    this.#endOpen(status);
    return {
      ...begunState,
      status,
      output: this.#output,
      completedAt: status === 'completed' ? this.#nowS : null,
      incompleteReason: this.#incompleteReason,
      usage: this.#usage,
    };
  }

  /** The same with its last event, and the mark that ends a stream. */
  completeStream(): void {
    const state = this.complete();
    this.#events.tell([`response.${state.status}`, this.#responseMember(state)]);
    this.#events.endMark();
  }

  /** The answer broke off. Of the item that was open there is what was told. */
  fail(error: ToldError): ResponseState {
    this.begin('');
    const open = this.#open === null ? [] : [this.#open.toldJson];
    return {
      ...begunState,
      status: 'failed',
      output: [...this.#output, ...open],
      error,
      usage: this.#usage,
    };
  }

  /** The same with its last events. OpenAI's SDKs tell their users the reason of `error` only. */
  failStream(error: ToldError): void {
    const state = this.fail(error);
    const { type, code, message } = error;
    this.#events.tell([
      'error',
      `"error":{"type":"${type}","code":"${code}","message":"${message}","param":null}`,
    ]);
    this.#events.tell(['response.failed', this.#responseMember(state)]);
  }

  /** The response as JSON. */
  json(state: ResponseState): string {
    return responseJson(this.#head ?? this.#begin(''), state);
  }

  #begin(rawModel: string): ResponseHead {
    const { translation, model, random } = this.#options;
    const { repeated } = translation;
    this.#endedChars += rawModel.length;
    this.#head = { random, createdAt: this.#nowS, model: copied(rawModel) || rawOf(model), repeated };
    this.#events.tell(['response.created', this.#responseMember(begunState)]);
    this.#events.tell(['response.in_progress', this.#responseMember(begunState)]);
    return this.#head;
  }

  #newCall(index: number, id: string, name: string): ResponseItem {
    // An output could not tell which of two calls with one id it is for.
    const isOwn = id === '' || this.#callIds.has(id);
    const callId = isOwn ? `call_${this.#options.random}${this.#callIds.size}` : id;
    this.#callIds.add(callId);
    const item = new ResponseItem(this.#callKind(name), this.#called(callId, name));
    this.#calls.set(index, { item, id: copied(id) });
    return this.#bringIn(item);
  }

  #callKind(name: string): ItemKind {
    return this.#options.translation.customTools.has(textOf(name)) ? 'custom' : 'function';
  }

  /** Takes raw strings, and gives such; the caller's own names are JavaScript's. */
  #called(callId: string, name: string): CalledTool {
    this.#openChars += callId.length + name.length; // kept until the answer ends
    const own = this.#options.translation.namespaced?.get(textOf(name));
    if (own === undefined) return { callId: copied(callId), name: copied(name), namespace: null };
    return { callId: copied(callId), name: rawOf(own.name), namespace: rawOf(own.namespace) };
  }

  /** A new item: it begins now, or waits. */
  #bringIn(item: ResponseItem): ResponseItem {
    this.#openChars += itemChars;
    if (this.#waiting.length > 0 || this.#open?.isWhole === false || item.isNameless) {
      this.#waiting.push(item);
      return item;
    }
    this.#endOpen('completed');
    this.#openItem(item);
    return item;
  }

  #openItem(item: ResponseItem): void {
    this.#open = item;
    this.#hasAnswer ||= item.kind !== 'reasoning';
    for (const event of item.begin(this.#output.length, this.#options.random)) this.#events.tell(event);
    this.#events.expectDeltas(item.deltaMembers);
    if (item.isTold && item.length > 0) this.#events.delta(item.raw);
  }

  #endOpen(status: 'completed' | 'incomplete'): void {
    const item = this.#open;
    if (item === null) return;
    const { events, json } = item.end(status);
    for (const event of events) this.#events.tell(event);
    this.#openChars -= itemChars + item.length;
    this.#endedChars += json.length;
    this.#output.push(json);
    this.#open = null;
  }

  #responseMember(state: ResponseState): string {
    return `"response":${this.json(state)}`;
  }

  get #nowS(): number {
    return Math.floor(this.#options.clock.now() / 1000);
  }
}
