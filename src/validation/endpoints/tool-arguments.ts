import { type JsonValue, isJsonObject } from '../../base/request.ts';

/** Parsing more could hold the event loop: a text of small values takes JSON.parse 30 ns a character. */
const maxReadLength = 262_144;

/** Whether the arguments of a body's tool calls are what every model takes: an object, or the JSON of one. */
export class ToolArguments {
  #leftToRead = maxReadLength;

  /** Nothing at all will do: it is sent on as an object without members. Of long texts only the ends are looked at. */
  areObject(given: JsonValue | undefined): boolean {
    if (isEmptyArguments(given)) return true;
    if (typeof given !== 'string') return isJsonObject(given);
    const text = given.trim();
    if (!text.startsWith('{') || !text.endsWith('}')) return false;
    if (given.length > this.#leftToRead) return true;
    this.#leftToRead -= given.length;
    return isJson(given);
  }
}

/** How a call without arguments comes from several models and SDKs. */
export function isEmptyArguments(given: JsonValue | undefined): boolean {
  return given === undefined || given === null || (typeof given === 'string' && given.trim() === '');
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
