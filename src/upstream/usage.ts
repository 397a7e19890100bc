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

/** The fields that hold what a model made. */
const answerFields = ['choices', 'content', 'content_block', 'delta', 'data', 'results'];

/**
 * Whether an answer, or an event of one, is an error: by its `error`, in any shape that is not empty (clients look no
 * closer), by its type, or because it has words for the reader and nothing from a model. Heroku has sent
 * `{"code":500,"message":"Failed to execute chat"}`.
 */
export function reportsError(answer: Record<string, unknown>): boolean {
  const { error, type, object } = answer;
  if (Boolean(error) || type === 'error' || object === 'error') return true;
  const isMessage = ['message', 'detail', 'msg'].some((field) => typeof answer[field] === 'string');
  return isMessage && !answerFields.some((field) => answer[field] !== undefined);
}

/** The figures of a `usage`. What follows is how each vendor counts. */
export function usageOf(usage: unknown): Usage | null {
  if (!isRecord(usage)) return null;
  return sumOf(usage['iterations']) ?? figuresOf(usage);
}

/**
 * If Anthropic's server made several inferences for one answer (compaction), each has its own figures in
 * `iterations`, all of them are billed, and those at the top are of the last ones only.
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
  const inputTokens =
    typeof usage['prompt_tokens'] === 'number' ? count(usage['prompt_tokens']) : anthropicInput(usage);
  const outputTokens = count(usage['completion_tokens'] ?? usage['output_tokens']);
  return inputTokens + outputTokens > 0 ? { inputTokens, outputTokens } : null;
}

/** Anthropic counts what it wrote to its cache and read from it apart from the rest of the input. */
function anthropicInput(usage: Record<string, unknown>): number {
  return anthropicInputFields.reduce((sum, field) => sum + count(usage[field]), 0);
}

const anthropicInputFields = [
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
