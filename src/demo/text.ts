import { isJsonObject, type JsonObject, type JsonValue } from '../base/request.ts';

/** OperationDocs four characters a token. */
export function tokens(text: string): number {
  return Math.ceil(text.length / 4);
}

/** The words of a text, each with the space before it. */
export function wordsOf(text: string): readonly string[] {
  return text.match(/\s*\S+\s*$|\s*\S+/g) ?? [];
}

/** The text of a message's content, be it a string or parts. */
export function textOf(content: JsonValue | undefined): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content.map((part) => (isJsonObject(part) ? textOfPart(part) : '')).join(' ');
}

/** A part's own text, or what a tool's result has in it. */
function textOfPart({ text, content }: JsonObject): string {
  return typeof text === 'string' ? text : textOf(content);
}

/** What the stand-in says to what it has heard. */
export function replyText(content: JsonValue | undefined): string {
  const heard = textOf(content).replaceAll(/\s+/g, ' ').trim().slice(0, 200);
  return `This is a stand-in for Heroku Inference, not a model. You said: ${heard || 'nothing'}`;
}

/** The objects of a list. */
export function objectsIn(value: JsonValue | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}
