import { isJsonObject, type JsonObject, type JsonValue } from '../../base/request.ts';

/** What is said if nothing is: models refuse blank text as they refuse none. */
const neutral = '.';

/** Heroku's words, and those of what stands behind it: Anthropic, Bedrock, OpenAI. */
const words = [
  /\bcontent\b.{0,40}\b(?:is|are) (?:a )?(?:required|missing|empty)\b/i,
  /\bcontent\b.{0,40}\b(?:must|may|can|should)(?: ?not|n't) be (?:empty|null|blank)/i,
  /\bcontent\b.{0,20}: (?:field required|input should be a valid (?:string|list|array))/i,
  /\bnon-(?:empty|blank) content\b/i,
  /\bcontent(?: blocks?| fields?)? (?:must|should) (?:be|have|contain) (?:non-|at least)/i,
  /\b(?:missing|required|empty)\b.{0,40}\bcontent\b/i,
  /\bcontent\b.{0,40}\bgot null\b/i,
];

/** Whether an upstream says that it wants content where a message has none. */
export function wantsContent(said: string): boolean {
  return words.some((pattern) => pattern.test(said));
}

/**
 * The body with a text in every turn of the assistant or a tool that has none: a refusal in its own words, else the
 * shortest neutral text. The same object if no message needs one.
 */
export function withContent(body: JsonObject): JsonObject {
  const { messages } = body;
  if (!Array.isArray(messages)) return body;
  const filled = messages.map((message) => (isJsonObject(message) ? filledMessage(message) : message));
  return filled.some((message, index) => message !== messages[index]) ? { ...body, messages: filled } : body;
}

function filledMessage(message: JsonObject): JsonObject {
  const { role, content, refusal } = message;
  if ((role !== 'assistant' && role !== 'tool') || !isBlank(content)) return message;
  const text = typeof refusal === 'string' && refusal.trim() !== '' ? refusal : neutral;
  return { ...message, content: text };
}

/** Parts of blank text count as none. */
function isBlank(content: JsonValue | undefined): boolean {
  if (content === undefined || content === null) return true;
  if (typeof content === 'string') return content.trim() === '';
  return Array.isArray(content) && content.every(isBlankText);
}

function isBlankText(part: JsonValue): boolean {
  const text = isJsonObject(part) && part['type'] === 'text' ? (part['text'] ?? '') : null;
  return typeof text === 'string' && text.trim() === '';
}
