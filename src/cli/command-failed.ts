import { nothingHere } from '../base/no-route.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../base/request.ts';
import { plain } from './cells.ts';

/** Documented in --help and docs/command-line.md. */
export const exitCodes = { done: 0, failed: 1, misused: 2, unreachable: 3, interrupted: 130 } as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** A command that failed. Its message is for the person at the terminal and contains no secret. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
  readonly exitCode: ExitCode;

  constructor(message: string, exitCode: ExitCode = exitCodes.failed) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Advice for the terminal, which the API's message cannot give. */
const remedies: ReadonlyMap<string, string> = new Map([
  ['not_found', 'To see what exists: team list, user list, token list, admin list.'],
  ['already_exists', 'Change the existing one with set, or choose another id.'],
  ['precondition_failed', 'Somebody changed it meanwhile. Look at it with show, then try again.'],
  ['store_unavailable', "Try again in a moment. If it still fails, the gateway's /readyz and log say why."],
  ['overloaded', 'Try again in a moment.'],
]);

const wrongPath =
  'The gateway has nothing at this path. TOLLGATE_URL must be its address without /admin or /v1, such as ' +
  'https://my-gateway.herokuapp.com. Or this program is newer than the gateway.';

/** A refusal of the API as a failed command: every problem it reports, one a line. */
export async function failureOf(response: Response): Promise<CommandFailed> {
  const { status } = response;
  const answer: unknown = await response.json().catch(() => null);
  const error = isJsonObject(answer as JsonValue) ? (answer as JsonObject)['error'] : undefined; // of JSON
  if (!isJsonObject(error) || typeof error['message'] !== 'string') {
    const message = `The answer (${status}) does not come from Tollgate. Is TOLLGATE_URL right?`;
    return new CommandFailed(message, exitCodes.unreachable);
  }
  const { message, details } = error;
  if (message === nothingHere.message) return new CommandFailed(wrongPath, exitCodes.unreachable);
  const code = plain(error['code']);
  // Without `if-match` it is about the record's state (a revoked token, say), and the message says it all.
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

/** The code of a system error (ENOENT, …). Messages may quote what was sent. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
}
