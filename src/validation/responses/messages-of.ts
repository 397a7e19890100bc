import { isJsonObject, type JsonObject, type JsonValue } from '../../base/request.ts';
import { textIn } from '../documented.ts';
import type { Adjustments } from './adjustments.ts';
import { type ChatContent, chatContent } from './input-content.ts';
import { isReasoning, itemFields, kindOf } from './input-items.ts';
import { sentName } from './declared-tools.ts';

/*
 * Items as the messages of a chat. A chat has a turn's text and its calls in one message, and the results of the calls
 * right after it.
 */

interface Turn {
  message: JsonObject;
  calls: JsonObject[];
  results: JsonObject[];
  /** Images and other media in the results. */
  media: JsonValue[];
}

/** The messages that say what `instructions` and `input` say. Takes fields that were checked. Pure. */
export function messagesOf(instructions: string, input: JsonValue, adjustments: Adjustments): JsonObject[] {
  const messages: JsonObject[] = instructions === '' ? [] : [{ role: 'system', content: instructions }];
  if (!Array.isArray(input)) return [...messages, { role: 'user', content: input }];
  const turns = new Turns(adjustments);
  for (const item of input) if (isJsonObject(item)) turns.add(item);
  for (const { message, calls, results, media } of turns.all) {
    if (calls.length > 0) message['tool_calls'] = calls;
    messages.push(message, ...results);
    // A tool's message has text only: what a model is to see goes into a user's.
    if (media.length > 0) messages.push({ role: 'user', content: media });
  }
  return messages;
}

class Turns {
  readonly all: Turn[] = [];
  readonly #adjustments: Adjustments;
  /** By the id of a call that has no output yet. */
  readonly #waiting = new Map<string, Turn>();

  constructor(adjustments: Adjustments) {
    this.#adjustments = adjustments;
  }

  add(item: JsonObject): void {
    if (isReasoning(item)) {
      this.#adjustments.note('input.*.reasoning');
      return;
    }
    this.#adjustments.unknown(itemFields, item, 'input.*');
    switch (kindOf(item)) {
      case 'message':
        this.#addMessage(textIn(item, 'role'), chatContent(item['content'], this.#adjustments));
        return;
      case 'function_call':
        this.#addCall(item, textIn(item, 'arguments'));
        return;
      case 'custom_tool_call':
        this.#addCall(item, JSON.stringify({ input: textIn(item, 'input') }));
        return;
      case 'function_call_output':
      case 'custom_tool_call_output':
        this.#addOutput(textIn(item, 'call_id'), chatContent(item['output'], this.#adjustments));
        return;
      case 'reasoning':
      case 'item_reference':
      case 'unknown': // noted above, or refused before
    }
  }

  #addMessage(role: string, content: ChatContent): void {
    if (role !== 'assistant') {
      // OpenAI's later name. Heroku documents only the earlier one.
      this.#begin({ role: role === 'developer' ? 'system' : role, content });
      return;
    }
    if (content === '') return; // it says nothing, and upstreams refuse it
    const turn = this.#current();
    if (turn === null || turn.calls.length === 0) this.#begin({ role, content });
    else say(turn.message, content);
  }

  #addCall(item: JsonObject, text: string): void {
    const turn = this.#current() ?? this.#begin({ role: 'assistant' });
    const id = textIn(item, 'call_id');
    const name = sentName(textIn(item, 'namespace'), textIn(item, 'name'));
    turn.calls.push({ id, type: 'function', function: { name, arguments: text } });
    this.#waiting.set(id, turn);
  }

  #addOutput(id: string, content: ChatContent): void {
    const turn = this.#waiting.get(id);
    if (turn === undefined) return; // refused before
    this.#waiting.delete(id);
    const parts = typeof content === 'string' ? [] : content;
    const media = parts.filter((part) => !isText(part));
    if (media.length === 0) {
      turn.results.push({ role: 'tool', tool_call_id: id, content });
      return;
    }
    this.#adjustments.note('input.*.output=message');
    const text = parts.filter(isText);
    const note = {
      type: 'text',
      text: `The media in the output of the call ${id} are in the next user message.`,
    };
    turn.results.push({ role: 'tool', tool_call_id: id, content: [...text, note] });
    turn.media.push({ type: 'text', text: `The media in the output of the call ${id}:` }, ...media);
  }

  /** The assistant's turn that goes on; null if something came after it. */
  #current(): Turn | null {
    const turn = this.all.at(-1);
    return turn?.message['role'] === 'assistant' && turn.results.length === 0 ? turn : null;
  }

  #begin(message: JsonObject): Turn {
    const turn: Turn = { message, calls: [], results: [], media: [] };
    this.all.push(turn);
    return turn;
  }
}

function isText(part: JsonValue): boolean {
  return isJsonObject(part) && part['type'] === 'text';
}

/** Adds to what a message says. In place: there may be thousands of additions. */
function say(message: JsonObject, more: ChatContent): void {
  const before = message['content'];
  if (before === undefined) {
    message['content'] = more;
    return;
  }
  const parts = partsOf(before);
  for (const part of partsOf(more)) parts.push(part);
  message['content'] = parts;
}

function partsOf(content: JsonValue): JsonValue[] {
  return Array.isArray(content) ? content : [{ type: 'text', text: content }];
}
