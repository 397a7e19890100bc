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

/** More than any model takes or writes in one answer: such a report is a defect of the upstream, and is not believed. */
const maxReported = 10_000_000;

/**
 * The figures of a usage object, in OpenAI's or Anthropic's names; null if it reports nothing, or more than `maxReported`.
 * What a prompt cache wrote and gave is part of the input.
 */
export function usageOf(usage: unknown): Usage | null {
  if (!isRecord(usage)) return null;
  const { inputTokens, cacheRead, cacheWrite } = inputOf(usage);
  const outputTokens = count(usage['completion_tokens'] ?? usage['output_tokens']);
  const isReport = inputTokens + outputTokens > 0;
  if (!isReport || inputTokens > maxReported || outputTokens > maxReported) return null;
  const reported: Usage = { inputTokens, outputTokens };
  // A part is never more than the whole, whatever is reported.
  const cacheReadTokens = Math.min(cacheRead, inputTokens);
  const cacheWriteTokens = Math.min(cacheWrite, inputTokens - cacheReadTokens);
  if (cacheReadTokens > 0) reported.cacheReadTokens = cacheReadTokens;
  if (cacheWriteTokens > 0) reported.cacheWriteTokens = cacheWriteTokens;
  return reported;
}

interface Input {
  inputTokens: number;
  cacheRead: number;
  cacheWrite: number;
}

/** OpenAI's input includes what is cached (`…_details`); Anthropic's `input_tokens` leaves it out. */
function inputOf(usage: Record<string, unknown>): Input {
  const details = usage['prompt_tokens_details'] ?? usage['input_tokens_details'];
  if (typeof usage['prompt_tokens'] === 'number' || isRecord(details)) {
    const { cached_tokens: read, cache_write_tokens: written } = isRecord(details) ? details : noDetails;
    return {
      inputTokens: count(usage['prompt_tokens'] ?? usage['input_tokens']),
      cacheRead: count(read ?? usage['cache_read_input_tokens']),
      cacheWrite: written === undefined ? anthropicWritten(usage) : count(written),
    };
  }
  const cacheRead = count(usage['cache_read_input_tokens']);
  const cacheWrite = anthropicWritten(usage);
  return { inputTokens: count(usage['input_tokens']) + cacheRead + cacheWrite, cacheRead, cacheWrite };
}

const noDetails: Readonly<Record<string, unknown>> = {};

/** The sum, or its parts by how long the cache keeps them: both say the same, and one may be missing. */
function anthropicWritten({
  cache_creation_input_tokens: sum,
  cache_creation: parts,
}: Record<string, unknown>): number {
  if (!isRecord(parts)) return count(sum);
  return Math.max(
    count(sum),
    Object.values(parts).reduce<number>((total, part) => total + count(part), 0),
  );
}

/** The fields of Anthropic's usage, which a stream reports bit by bit. */
export const anthropicUsageFields = [
  'input_tokens',
  'cache_creation_input_tokens',
  'cache_read_input_tokens',
  'cache_creation',
  'output_tokens',
] as const;

function searchesOf(meta: unknown): Usage | null {
  const billed = isRecord(meta) ? meta['billed_units'] : null;
  const searchUnits = isRecord(billed) ? count(billed['search_units']) : 0;
  const isReport = searchUnits > 0 && searchUnits <= maxReported;
  return isReport ? { inputTokens: 0, outputTokens: 0, searchUnits } : null;
}

/** A figure as it was reported; what is no count counts as nothing. */
function count(value: unknown): number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : 0;
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
