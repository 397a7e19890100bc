/** A command that could not be done. Its message is for the person at the terminal and holds no secret. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
}
