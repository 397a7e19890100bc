import { isJsonObject, type JsonObject, type JsonValue } from '../base/request.ts';
import { nothingHere } from '../base/no-route.ts';
import { plain } from './cells.ts';
import { CommandFailed, exitCodes } from './command-failed.ts';

/** What helps, where the message of the API cannot know that it is read in a terminal. */
const remedies: ReadonlyMap<string, string> = new Map([
  ['not_found', 'The list commands say what there is: team list, user list, token list, admin list.'],
  ['already_exists', 'Change what there is with set, or take another id.'],
  ['precondition_failed', 'Look at it with show, and do it again if it is still right.'],
  ['store_unavailable', "Try again in a moment; if it stays so, the gateway's /readyz and its log say why."],
  ['overloaded', 'Try again in a moment.'],
]);

const wrongPath =
  'The gateway has nothing at the path asked for. TOLLGATE_URL must be its address, such as ' +
  'https://my-gateway.herokuapp.com, without /admin or /v1; or this program is newer than the gateway.';

/** An answer that is a refusal, as the failure of a command: all that the API found wrong, a line each. */
export async function failureOf(response: Response): Promise<CommandFailed> {
  const { status } = response;
  const answer: unknown = await response.json().catch(() => null);
  const error = isJsonObject(answer as JsonValue) ? (answer as JsonObject)['error'] : undefined; // of JSON
  if (!isJsonObject(error) || typeof error['message'] !== 'string') {
    const message = `The answer (${status}) is not Tollgate's. Is TOLLGATE_URL right?`;
    return new CommandFailed(message, exitCodes.unreachable);
  }
  const { message, details } = error;
  if (message === nothingHere.message) return new CommandFailed(wrongPath, exitCodes.unreachable);
  const code = plain(error['code']);
  // What is in the way of a change to a revoked token, say, is in the message alone.
  const isFinal = code === 'precondition_failed' && error['param'] !== 'if-match';
  const remedy = isFinal ? undefined : remedies.get(code);
  const others = Array.isArray(details) ? details.filter(isJsonObject) : [];
  const lines = [
    `${plain(message)} (${code})`,
    ...others.map((other) => plain(other['message'])),
    ...(remedy === undefined ? [] : [remedy]),
  ];
  return new CommandFailed(
    lines.join('\n'),
    code === 'store_unavailable' ? exitCodes.unreachable : exitCodes.failed,
  );
}
