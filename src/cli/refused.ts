import type { JsonObject, JsonValue } from '../core/request.ts';
import { plain } from './cells.ts';
import { CommandFailed, exitCodes } from './command-failed.ts';

/** What helps, where the message of the API cannot know that it is read in a terminal. */
const remedies: Readonly<Record<string, string>> = {
  not_found: 'The list commands say what there is: team list, user list, token list, admin list.',
  already_exists: 'Change what there is with set, or take another id.',
  precondition_failed: 'Look at it with show, and do it again if it is still right.',
  store_unavailable: "Try again in a moment; the gateway's /readyz says whether it has its store.",
  overloaded: 'Try again in a moment.',
};

/** An answer that is a refusal, as the failure of a command: all that the API found wrong, a line each. */
export async function failureOf(response: Response): Promise<CommandFailed> {
  const { status } = response;
  const answer: unknown = await response.json().catch(() => null);
  const error = isObject(answer as JsonValue) ? (answer as JsonObject)['error'] : undefined; // of JSON
  if (!isObject(error) || typeof error['message'] !== 'string') {
    const message = `The answer (${status}) is not Tollgate's. Is TOLLGATE_URL right?`;
    return new CommandFailed(message, exitCodes.unreachable);
  }
  const { message, code, details } = error;
  const others = Array.isArray(details) ? details.filter(isObject) : [];
  const lines = [
    `${plain(message)} (${plain(code)})`,
    ...others.map((other) => plain(other['message'])),
    ...(typeof code === 'string' && Object.hasOwn(remedies, code) ? [remedies[code]] : []),
  ];
  return new CommandFailed(
    lines.join('\n'),
    code === 'store_unavailable' ? exitCodes.unreachable : exitCodes.failed,
  );
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
