import { isRecord, parsedJson } from '../base/request.ts';
import { addedUsage, type Usage } from '../base/outcome.ts';

/** The usage in an answer's JSON text; null if there is none or it is all zero. */
export function readUsage(json: string): Usage | null {
  const value = parsedJson(json);
  return isRecord(value) ? usageIn(value) : null;
}

/** The usage in an answer, or in an event of one, in OpenAI's, Anthropic's or Cohere's names. */
export function usageIn(answer: Record<string, unknown>): Usage | null {
  return usageOf(answer['usage']) ?? searchesOf(answer['meta']);
}

/** More than any model takes or writes in one answer: such a report is a defect of the upstream, and is not believed. */
const maxReported = 10_000_000;

/**
 * The figures of a usage object, in OpenAI's or Anthropic's names; null if it reports nothing, or more than `maxReported`.
 * What a prompt cache wrote and gave is part of the input.
 */
export function usageOf(usage: unknown): Usage | null {
  if (!isRecord(usage)) return null;
  return sumOf(usage['iterations']) ?? figuresOf(usage);
}

/**
 * If Anthropic's server made several inferences for one answer (compaction), each has its own figures in `iterations`.
 * All of them are billed; those at the top leave the compaction out.
 */
function sumOf(iterations: unknown): Usage | null {
  if (!Array.isArray(iterations)) return null;
  let sum: Usage | null = null;
  for (const iteration of iterations) {
    const usage = isRecord(iteration) ? figuresOf(iteration) : null;
    if (usage) sum = addedUsage(sum, usage);
  }
  return sum;
}

function figuresOf(usage: Record<string, unknown>): Usage | null {
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
  'iterations',
] as const;

function searchesOf(meta: unknown): Usage | null {
  const billed = isRecord(meta) ? meta['billed_units'] : null;
  const searchUnits = isRecord(billed) ? count(billed['search_units']) : 0;
  if (searchUnits === 0 || searchUnits > maxReported) return null;
  const tokens = isRecord(meta) ? meta['tokens'] : null;
  const said = count(isRecord(tokens) ? tokens['input_tokens'] : 0);
  return { inputTokens: said > maxReported ? 0 : said, outputTokens: 0, searchUnits };
}

/** A figure as it was reported; what is no count counts as nothing. */
function count(value: unknown): number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : 0;
}
