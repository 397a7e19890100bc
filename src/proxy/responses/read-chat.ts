import { isRecord } from '../../base/request.ts';
import { usageIn } from '../../upstream/usage.ts';
import { rawHolding, rawJson, rawText } from './raw-json.ts';
import type { ResponseEvents } from './response-events.ts';

/** Tells a response what an event of a chat stream says, or a whole chat answer. Its strings are raw (`parsedRaw`). */
export function readChat(chat: Record<string, unknown>, response: ResponseEvents): void {
  response.begin(rawText(chat['model']));
  readUsage(chat, response);
  const choice = firstChoice(chat['choices']);
  if (choice === null) return;
  const { delta, message, finish_reason: reason } = choice;
  if (isRecord(delta)) readMessage(delta, response);
  else if (isRecord(message)) readMessage(message, response);
  response.finish(rawText(reason));
}

/** The only one: nobody can ask for more. */
export function firstChoice(choices: unknown): Record<string, unknown> | null {
  if (!Array.isArray(choices)) return null;
  const first: unknown = choices.find((choice) => isRecord(choice) && (choice['index'] ?? 0) === 0);
  return isRecord(first) ? first : null;
}

function readUsage(chat: Record<string, unknown>, response: ResponseEvents): void {
  const usage = usageIn(chat);
  if (usage === null || !isRecord(chat['usage'])) return;
  const details = chat['usage']['completion_tokens_details'];
  const reasoning = isRecord(details) ? Number(details['reasoning_tokens']) : 0;
  response.use({
    ...usage,
    reasoningTokens: Number.isSafeInteger(reasoning) && reasoning > 0 ? reasoning : 0,
  });
}

function readMessage(message: Record<string, unknown>, response: ResponseEvents): void {
  response.text('reasoning', reasoningIn(message));
  response.text('text', contentText(message['content']));
  response.text('refusal', rawText(message['refusal']));
  const calls = message['tool_calls'];
  if (!Array.isArray(calls)) return;
  for (const [position, call] of calls.entries()) if (isRecord(call)) readCall(call, position, response);
}

/** Some upstreams say the same in several of these. */
function reasoningIn({ reasoning_content: content, reasoning }: Record<string, unknown>): string {
  return rawText(content) || rawText(isRecord(reasoning) ? reasoning['thinking'] : reasoning);
}

/** A text, or parts with texts. */
function contentText(content: unknown): string {
  if (!Array.isArray(content)) return rawText(content);
  return content.map((part) => (isRecord(part) ? rawText(part['text']) : '')).join('');
}

function readCall(call: Record<string, unknown>, position: number, response: ResponseEvents): void {
  const { index, id, function: called } = call;
  if (!isRecord(called)) return;
  const { name, arguments: given } = called;
  response.call({
    index: typeof index === 'number' ? index : position,
    id: rawText(id),
    name: rawText(name),
    // Heroku shows them as an object, too.
    rawArguments: isRecord(given) ? rawHolding(rawJson(given)) : rawText(given),
  });
}
