import type { Usage } from '../core/outcome.ts';

/** The usage in an answer's JSON text, in OpenAI's or Anthropic's names; null where there is none or it is all zero. */
export function readUsage(json: string): Usage | null {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return null;
  }
  return isRecord(value) ? usageOf(value['usage']) : null;
}

function usageOf(usage: unknown): Usage | null {
  if (!isRecord(usage)) return null;
  const inputTokens = count(usage['prompt_tokens'] ?? usage['input_tokens']);
  const outputTokens = count(usage['completion_tokens'] ?? usage['output_tokens']);
  return inputTokens + outputTokens > 0 ? { inputTokens, outputTokens } : null;
}

/** A figure the ledger can add up: an upstream that says something else has said nothing. */
function count(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

// The string's inside is written as `plain (escape plain)*`, which cannot backtrack; its closing quote is left
// out, so that a text cut short counts as far as it goes.
const generatedText =
  /"(?:content|text|thinking|arguments|partial_json|refusal)"\s*:\s*"([^"\\]*(?:\\.[^"\\]*)*)/g;

/** Bytes of generated text in an answer's JSON (one character a byte), found without parsing it. */
export function textBytes(json: string): number {
  let bytes = 0;
  // `matchAll` would take half as long again, and this is done for every chunk of every stream.
  generatedText.lastIndex = 0;
  for (let found = generatedText.exec(json); found; found = generatedText.exec(json)) {
    bytes += found[1]?.length ?? 0;
  }
  return bytes;
}
