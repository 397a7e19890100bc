import type { Usage } from '../../base/outcome.ts';
import type { ToldError } from './told-error.ts';

/** What a response says of itself from its beginning. */
export interface ResponseHead {
  /** The random part of its id, and of its items' ids. */
  random: string;
  /** s. */
  createdAt: number;
  /** A raw string. */
  model: string;
  /** Members that repeat the request (`Translation.repeated`). */
  repeated: string;
}

/** How a response stands. */
export interface ResponseState {
  status: 'in_progress' | 'completed' | 'incomplete' | 'failed';
  /** Its items as JSON. */
  output: readonly string[];
  /** s; null if it is not completed. */
  completedAt: number | null;
  /** Why it is incomplete; null if it is not. */
  incompleteReason: IncompleteReason | null;
  /** Null if it has not failed. */
  error: Pick<ToldError, 'code' | 'message'> | null;
  usage: ResponseUsage | null;
}

export type IncompleteReason = 'max_output_tokens' | 'content_filter';

export interface ResponseUsage extends Usage {
  reasoningTokens: number;
}

/** Of a response that has only begun. */
export const begunState: ResponseState = {
  status: 'in_progress',
  output: [],
  completedAt: null,
  incompleteReason: null,
  error: null,
  usage: null,
};

/** A response as JSON, in Latin-1. Pure. */
export function responseJson(
  { random, createdAt, model, repeated }: ResponseHead,
  state: ResponseState,
): string {
  const { status, output, completedAt, incompleteReason, error, usage } = state;
  const members = [
    `"id":"resp_${random}"`,
    '"object":"response"',
    `"created_at":${createdAt}`,
    `"status":"${status}"`,
    `"completed_at":${completedAt}`,
    `"incomplete_details":${incompleteReason === null ? null : `{"reason":"${incompleteReason}"}`}`,
    `"error":${error === null ? null : `{"code":"${error.code}","message":"${error.message}"}`}`,
    `"model":"${model}"`,
    `"output":[${output.join(',')}]`,
    `"usage":${usage === null ? null : usageJson(usage)}`,
  ];
  if (repeated !== '') members.push(repeated);
  return `{${members.join(',')}}`;
}

function usageJson(usage: ResponseUsage): string {
  const { inputTokens, outputTokens, cacheReadTokens = 0, cacheWriteTokens = 0, reasoningTokens } = usage;
  return JSON.stringify({
    input_tokens: inputTokens,
    input_tokens_details: { cached_tokens: cacheReadTokens, cache_write_tokens: cacheWriteTokens },
    output_tokens: outputTokens,
    output_tokens_details: { reasoning_tokens: Math.min(reasoningTokens, outputTokens) },
    total_tokens: inputTokens + outputTokens,
  });
}
