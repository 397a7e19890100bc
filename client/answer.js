// @ts-check

import { BrokenAnswerError, toldBy } from './errors.js';

/** @import { TollgateAnswer, TollgateEvent } from './index.d.ts' */
/** @typedef {{ code: string, message: string, cause: unknown }} Told */

/** The events of a response that have words of their own. */
const wordEvents = new Set(['response.output_text.delta', 'response.refusal.delta']);
/** Of Anthropic's messages, and of a response. */
const lastEvents = new Set(['message_stop', 'response.completed', 'response.incomplete']);

/**
 * A success, to be read once.
 * @param {Response} response
 * @param {{ signal: AbortSignal | null | undefined, leave: () => void }} request `leave` ends it
 * @returns {TollgateAnswer}
 */
export function answerOf(response, { signal, leave }) {
  const requestId = response.headers.get('x-request-id');
  /** @type {(told: Partial<Told>, text: string) => BrokenAnswerError} */
  const broken = ({ code = 'answer_broken', message = 'The answer broke off.', cause }, text) =>
    new BrokenAnswerError({ code, message, text, requestId, cause });
  const demandUnread = () => {
    if (response.bodyUsed) throw new TypeError('This answer has been read already.');
  };
  const json = async () => {
    demandUnread();
    return response.json().catch((cause) => {
      throw signal?.aborted ? signal.reason : broken({ cause }, '');
    });
  };

  /** @returns {AsyncGenerator<TollgateEvent<any>, void, undefined>} */
  async function* events() {
    demandUnread();
    if (!isStream(response)) {
      const data = await json();
      // A response that failed once its head was on its way.
      if (data?.error) throw broken(toldBy(data, response), wordsIn(data));
      yield { name: 'message', data, text: wordsIn(data) };
      return;
    }
    let text = '';
    let isWhole = false;
    try {
      for await (const { name, lines } of framesOf(response, leave)) {
        isWhole ||= lines === '[DONE]';
        if (isWhole) continue; // the rest is read, so that the connection can be used again
        const data = JSON.parse(lines);
        if (name === 'error' || data.error) throw broken(toldBy(data, response), text);
        const words = wordsIn(data);
        text += words;
        yield { name, data, text: words };
        isWhole = lastEvents.has(data.type);
      }
    } catch (cause) {
      if (cause instanceof BrokenAnswerError) throw cause;
      if (signal?.aborted) throw signal.reason;
      if (!isWhole) throw broken({ cause }, text);
    }
    if (!isWhole) throw broken({}, text);
  }

  return {
    response,
    requestId,
    events,
    text: async () => {
      let text = '';
      for await (const event of events()) text += event.text;
      return text;
    },
    json,
  };
}

/** @param {Response} response */
function isStream({ headers }) {
  return headers.get('content-type')?.startsWith('text/event-stream') ?? false;
}

/**
 * Server-sent events. Whoever stops iterating ends the request.
 * @param {Response} response
 * @param {() => void} leave
 */
async function* framesOf({ body }, leave) {
  if (!body) return;
  const reader = body.getReader(); // no `for await`: not every browser iterates over a body
  const decoder = new TextDecoder();
  /** @type {string[]} of the event that is not whole yet */
  let frame = [];
  let line = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      // Each piece is looked at once, however many of them a line comes in.
      const [first = '', ...others] = decoder.decode(value, { stream: true }).split('\n');
      line += first;
      for (const next of others) {
        const whole = line.endsWith('\r') ? line.slice(0, -1) : line;
        line = next;
        if (whole !== '') {
          frame.push(whole);
          continue;
        }
        const lines = fieldOf(frame, 'data');
        if (lines !== null) yield { name: fieldOf(frame, 'event') ?? 'message', lines };
        frame = [];
      }
    }
  } finally {
    leave();
  }
}

/**
 * The lines of a field, together; null if there is none.
 * @param {string[]} frame
 * @param {string} field
 */
function fieldOf(frame, field) {
  const lines = frame.filter((line) => line.startsWith(`${field}:`));
  return lines.length === 0 ? null : lines.map((line) => line.slice(field.length + 1).trimStart()).join('\n');
}

/**
 * The words in what a chat, an agent, Anthropic's messages or a response answers, plain or in a piece of a stream; '' if
 * there are none.
 * @param {any} data
 * @returns {string}
 */
function wordsIn(data) {
  if (data.object === 'response') return wordsOfItems(data.output);
  // The same words come once more in the events after them.
  if (wordEvents.has(data.type)) return data.delta;
  if (data.type?.startsWith?.('response.')) return '';
  const choice = data.choices?.find((/** @type {{ index?: number }} */ { index = 0 }) => index === 0);
  const message = choice?.delta ?? choice?.message ?? data.delta ?? data;
  if (message.role === 'tool') return '';
  return textIn(message.content ?? message.text);
}

/**
 * @param {{ type: string, content?: { text?: string, refusal?: string }[] }[]} items
 * @returns {string}
 */
function wordsOfItems(items) {
  const messages = items.filter(({ type }) => type === 'message');
  const parts = messages.flatMap(({ content = [] }) => content);
  return parts.map(({ text, refusal }) => text ?? refusal ?? '').join('');
}

/**
 * @param {unknown} content a text, parts, or neither
 * @returns {string}
 */
function textIn(content) {
  if (typeof content === 'string') return content;
  return Array.isArray(content) ? content.map((part) => textIn(part.text)).join('') : '';
}
