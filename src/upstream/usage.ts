import { isRecord, parsedJson } from '../base/request.ts';
import type { Usage } from '../base/outcome.ts';

/** The usage in an answer's JSON text, in OpenAI's, Anthropic's or Cohere's names; null if there is none or it is all zero. */
export function readUsage(json: string): Usage | null {
  const value = parsedJson(json);
  return isRecord(value) ? (usageOf(value['usage']) ?? searchesOf(value['meta'])) : null;
}

/** Heroku may put a usage of zeros into every chunk, which is not worth parsing. */
export const someTokens = /_tokens"\s*:\s*[1-9]/;

/** An event that is an error, in OpenAI's shape or Heroku's. */
export const errorFirst = /^\s*\{\s*"error"\s*:(?!\s*null\b)/;

function usageOf(usage: unknown): Usage | null {
  if (!isRecord(usage)) return null;
  const inputTokens =
    typeof usage['prompt_tokens'] === 'number' ? count(usage['prompt_tokens']) : anthropicInput(usage);
  const outputTokens = count(usage['completion_tokens'] ?? usage['output_tokens']);
  return inputTokens + outputTokens > 0 ? { inputTokens, outputTokens } : null;
}

/** Anthropic counts what it wrote to its cache and read from it apart from the rest of the input. */
function anthropicInput(usage: Record<string, unknown>): number {
  return anthropicInputFields.reduce((sum, field) => sum + count(usage[field]), 0);
}

export const anthropicInputFields = [
  'input_tokens',
  'cache_creation_input_tokens',
  'cache_read_input_tokens',
] as const;

function searchesOf(meta: unknown): Usage | null {
  const billed = isRecord(meta) ? meta['billed_units'] : null;
  const searchUnits = isRecord(billed) ? count(billed['search_units']) : 0;
  return searchUnits > 0 ? { inputTokens: 0, outputTokens: 0, searchUnits } : null;
}

/** A figure that the ledger can add up; anything else counts as nothing. */
export function count(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0;
}

// The inside of the string is matched as `plain (escape plain)*`, which cannot backtrack. The closing quote is left out,
// so that a text that was cut short counts as well.
const generatedText =
  /"(?:content|text|thinking|arguments|partial_json|refusal)"\s*:\s*"([^"\\]*(?:\\.[^"\\]*)*)/g;

/** Bytes of generated text in an answer's JSON (one character a byte), found without parsing it. */
export function textBytes(json: string): number {
  let bytes = 0;
  // `matchAll` takes half as long again, and this runs for every chunk of every stream.
  generatedText.lastIndex = 0;
  for (let found = generatedText.exec(json); found; found = generatedText.exec(json)) {
    bytes += found[1]?.length ?? 0;
  }
  return bytes;
}
