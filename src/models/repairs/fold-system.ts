import { isJsonObject, type JsonObject, type JsonValue } from '../../base/request.ts';

/** Anthropic's words for a role that it does not take inside `messages`, and those of others in its place. */
const words = [
  /\brole\b.{0,60}\b(?:input should be|must be|expected|should be)\b.{0,40}\buser\b.{0,10}\bassistant\b/is,
  /\b(?:unexpected|invalid|unsupported|unknown|bad)\b.{0,20}\brole\b.{0,10}\bsystem\b/is,
  /\brole\b.{0,10}\bsystem\b.{0,40}\b(?:not|must|invalid|unsupported|unexpected|unknown)\b/is,
  /\bsystem\b.{0,10}\brole\b.{0,40}\b(?:not|invalid|unsupported|unexpected)\b/is,
  /\bunknown variant\b.{0,5}\bsystem\b.{0,20}\bexpected\b/is,
  /\bsystem messages?\b.{0,40}\b(?:not (?:supported|allowed|permitted)|must be)\b/is,
];

/** Whether an upstream says that it takes no system message inside `messages`. */
export function refusesSystemMessages(said: string): boolean {
  return words.some((pattern) => pattern.test(said));
}

/**
 * A body of `/v1/messages` with the system messages among its messages moved into `system`, in order, after what is
 * there. Texts stay one text; blocks stay blocks, with their `cache_control`. The same object if there are none, or
 * nothing else.
 */
export function withFoldedSystem(body: JsonObject): JsonObject {
  const { messages, system } = body;
  if (!Array.isArray(messages)) return body;
  const folded = messages.filter(isSystem);
  const rest = messages.filter((message) => !isSystem(message));
  if (folded.length === 0 || rest.length === 0) return body;
  const contents = [system, ...folded.map((message) => message['content'])].filter(isSaid);
  return { ...body, system: joined(contents), messages: rest };
}

function isSystem(message: JsonValue): message is JsonObject {
  return isJsonObject(message) && message['role'] === 'system';
}

function isSaid(content: JsonValue | undefined): content is JsonValue {
  return content !== undefined && content !== null && content !== '';
}

function joined(contents: readonly JsonValue[]): JsonValue {
  const texts = contents.filter((content) => typeof content === 'string');
  if (texts.length === contents.length) return texts.join('\n\n');
  return contents.flatMap((content) =>
    Array.isArray(content) ? content : [{ type: 'text', text: content }],
  );
}
