import { Command, CommanderError } from 'commander';
import { adminCommands } from './admin-commands.ts';
import { auditCommands } from './audit-commands.ts';
import { backupCommands } from './backup-commands.ts';
import { CommandFailed } from './command-failed.ts';
import { Cli, type Terminal } from './cli.ts';
import { connect } from './connect.ts';
import type { Connection } from './connection.ts';
import { reportCommands } from './report-commands.ts';
import { settingsCommands } from './settings-commands.ts';
import { suspensionCommands } from './suspension-commands.ts';
import { teamCommands } from './team-commands.ts';
import { tokenCommands } from './token-commands.ts';
import { userCommands } from './user-commands.ts';

/** Runs one command line. Gives the exit code: 0, 1 where it failed, 2 where it was not understood. */
export async function run(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  terminal: Terminal,
): Promise<number> {
  let connection: Connection | undefined;
  const send = async (path: string, init: RequestInit): Promise<Response> => {
    connection ??= await connect(env);
    return connection.send(path, init);
  };
  try {
    await programFor(send, terminal).parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    return exitCodeOf(error, terminal);
  } finally {
    connection?.close();
  }
}

function programFor(send: Connection['send'], terminal: Terminal): Command {
  const program = new Command('tollgate')
    .description('Administers a Tollgate gateway: teams, users, tokens, and what they used.')
    .option('--json', 'print JSON, for programs')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => terminal.out(text.trimEnd()),
      writeErr: (text) => terminal.err(text.trimEnd()),
    })
    .showHelpAfterError('(add --help for what is possible)')
    .exitOverride();
  program.addHelpText(
    'after',
    '\nWorks over HTTP with TOLLGATE_URL and ADMIN_KEY (or a tga_ token in its place) set,' +
      '\nelse, as root, on the Redis of REDIS_TLS_URL or REDIS_URL.',
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
  return program;
}

function exitCodeOf(error: unknown, terminal: Terminal): number {
  // Commander has said what was wrong; it throws for --help too, with code 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  const message = error instanceof Error ? error.message : String(error);
  terminal.err(error instanceof CommandFailed ? message : `Failed for a reason not foreseen: ${message}`);
  return 1;
}
