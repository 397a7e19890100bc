import { Command, CommanderError } from 'commander';
import { adminCommands } from './admin-commands.ts';
import { auditCommands } from './audit-commands.ts';
import { backupCommands } from './backup-commands.ts';
import { CommandFailed, type ExitCode, exitCodes } from './command-failed.ts';
import { Cli, type Terminal } from './cli.ts';
import { connect } from './connect.ts';
import type { Connection } from './connection.ts';
import { example } from './example.ts';
import { helpCommand } from './help-command.ts';
import { reportCommands } from './report-commands.ts';
import { settingsCommands } from './settings-commands.ts';
import { suspensionCommands } from './suspension-commands.ts';
import { teamCommands } from './team-commands.ts';
import { tokenCommands } from './token-commands.ts';
import { userCommands } from './user-commands.ts';
import { version } from '../operations/version.ts';

/** Runs one command line. Gives the exit code. */
export async function run(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  terminal: Terminal,
): Promise<ExitCode> {
  let connection: Connection | undefined;
  const send = async (path: string, init: RequestInit): Promise<Response> => {
    connection ??= await connect(env);
    return connection.send(path, init);
  };
  try {
    await programFor(send, terminal).parseAsync(args, { from: 'user' });
    return exitCodes.done;
  } catch (error) {
    return exitCodeOf(error, terminal);
  } finally {
    connection?.close();
  }
}

/** Every command there is. */
export function programFor(send: Connection['send'], terminal: Terminal): Command {
  const program = new Command('tollgate')
    .description('Administers a Tollgate gateway: teams, users, tokens, and what they used.')
    .option('--json', 'print JSON, for programs')
    .version(version, '-V, --version', 'print the version')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => terminal.out(text.trimEnd()),
      writeErr: (text) => terminal.err(text.trimEnd()),
    })
    .showHelpAfterError('(add --help for what is possible)')
    .exitOverride()
    .helpCommand(false);
  program.addHelpText(
    'after',
    '\nWorks over HTTP with TOLLGATE_URL and ADMIN_KEY (or a tga_ token in its place)' +
      '\nset, else, as root, on the Redis of REDIS_TLS_URL or REDIS_URL.' +
      '\n\nExit codes: 0 done; 1 refused or failed, and stderr says why; 2 not understood,' +
      '\nor it needs --yes; 3 the gateway or its store cannot be reached.' +
      `\n${example('team create beta --limit tokens/day=100000')}`,
  );
  const cli = new Cli({ send, terminal, json: () => program.opts()['json'] === true });
  teamCommands(program, cli);
  userCommands(program, cli);
  tokenCommands(program, cli);
  suspensionCommands(program, cli);
  settingsCommands(program, cli);
  reportCommands(program, cli);
  adminCommands(program, cli);
  backupCommands(program, cli, terminal);
  auditCommands(program, cli);
  helpCommand(program);
  return program;
}

function exitCodeOf(error: unknown, terminal: Terminal): ExitCode {
  // Commander has said what was wrong; it throws for --help too, with code 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.misused;
  if (error instanceof CommandFailed) {
    terminal.err(error.message);
    return error.exitCode;
  }
  const message = error instanceof Error ? error.message : String(error);
  terminal.err(`Failed for a reason not foreseen: ${message}`);
  return exitCodes.failed;
}
