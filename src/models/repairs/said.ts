import { isRecord, parsedJson } from '../../base/request.ts';

const maxLength = 2_000;
const maxDepth = 4;

/**
 * What an upstream says is wrong, as one text: the message of its error, unwrapped if it is JSON in a string, the
 * problems in `detail` (FastAPI), and the code with the `param` (OpenAI). Empty if the answer is not JSON.
 */
export function saidIn(text: string): string {
  const parts: string[] = [];
  collect(parsedJson(text), parts, 0);
  return parts.join('\n').slice(0, maxLength);
}

function collect(value: unknown, parts: string[], depth: number): void {
  if (depth > maxDepth) return;
  if (typeof value === 'string') return collectText(value, parts, depth);
  if (Array.isArray(value)) {
    for (const item of value.slice(0, 16) as unknown[]) collect(item, parts, depth + 1);
    return;
  }
  if (!isRecord(value)) return;
  const { error, errors, message, msg, detail, loc, code, type, param } = value;
  if (Array.isArray(loc) && typeof msg === 'string') parts.push(`${loc.join('.')}: ${msg}`);
  for (const each of [error, errors, message, detail]) collect(each, parts, depth + 1);
  if (typeof param === 'string') parts.push(`${String(code ?? type)} ${param}`);
}

/** A proxy before the model often quotes its error whole: `BedrockException - {"message":"…"}`. */
function collectText(text: string, parts: string[], depth: number): void {
  parts.push(text);
  const quoted = /"(?:message|detail)"\s*:\s*("(?:[^"\\]|\\.)*")/.exec(text)?.[1];
  if (quoted !== undefined) collect(parsedJson(quoted), parts, depth + 1);
}
