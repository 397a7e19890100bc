/** What a command ends with; told by --help and docs/command-line.md. */
export const exitCodes = { done: 0, failed: 1, misused: 2, unreachable: 3, interrupted: 130 } as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** A command that could not be done. Its message is for the person at the terminal and holds no secret. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
  readonly exitCode: ExitCode;

  constructor(message: string, exitCode: ExitCode = exitCodes.failed) {
    super(message);
    this.exitCode = exitCode;
  }
}
