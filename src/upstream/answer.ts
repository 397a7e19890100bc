/** The fields that hold what a model made. */
const contents = ['choices', 'content', 'content_block', 'delta', 'data', 'results'] as const;

/** What stands beside the message of an error: `{"code":500,"message":"Failed to execute chat"}` has been seen. */
const errorMarks = ['code', 'status', 'id', 'type'] as const;

/** What an answer says of itself. */
const answerMarks = ['object', 'type', 'created', 'meta'] as const;

/**
 * Whether an answer, or an event of one, is an error: by its `error`, in any shape that is not empty (clients look no
 * closer), by its type, or because it has a message for the reader and nothing from a model.
 */
export function reportsError(answer: Readonly<Record<string, unknown>>): boolean {
  const { error, type, object, message } = answer;
  if (Boolean(error) || type === 'error' || object === 'error') return true;
  if (typeof message !== 'string' || has(answer, contents)) return false;
  return has(answer, errorMarks);
}

/**
 * Whether an object is what was asked for: no error, with the list that such an answer has (`choices`, `data`). One without
 * it that does not even claim to be an answer is let through: the upstream may know more of them than this gateway.
 */
export function isAnswer(answer: Readonly<Record<string, unknown>>, list: string): boolean {
  if (reportsError(answer)) return false;
  const items = answer[list];
  return items === undefined ? !has(answer, answerMarks) : Array.isArray(items);
}

function has(answer: Readonly<Record<string, unknown>>, fields: readonly string[]): boolean {
  return fields.some((field) => answer[field] !== undefined && answer[field] !== null);
}
