import { Command, CommanderError } from 'commander';
import { administrators } from './administrators.ts';
import { auditCommands } from './audit-commands.ts';
import { backupCommands } from './backup-commands.ts';
import { CommandFailed, type ExitCode, exitCodes } from './command-failed.ts';
import { Cli, type Terminal, type Connection } from './cli.ts';
import { connect } from './connect.ts';
import { consoleCommand } from './console-command.ts';
import { doctorCommand } from './doctor-command.ts';
import { endUserCommands } from './end-user-commands.ts';
import { issuerCommands } from './issuer-commands.ts';
import { ledgerCommands } from './ledger-commands.ts';
import { priceCommands } from './price-commands.ts';
import { overviewCommands } from './overview-commands.ts';
import { raiseCommands } from './raise-commands.ts';
import { reportCommands } from './report-commands.ts';
import { resourceCommands } from './resource.ts';
import { settingsCommands } from './settings-commands.ts';
import { teams, users } from './teams.ts';
import { tokenSearchCommands } from './token-search.ts';
import { tokens } from './tokens.ts';
import { deliveryCommands, webhooks } from './webhooks.ts';
import { version } from '../operations/version.ts';
import { example, helpCommand } from './help.ts';

/** Runs one command line and gives the exit code. */
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
    await programFor(send, terminal, env).parseAsync(args, { from: 'user' });
    return exitCodes.done;
  } catch (error) {
    return exitCodeOf(error, terminal);
  } finally {
    connection?.close();
  }
}

/** Every command there is. `env`: what a gateway here would be configured with. */
export function programFor(
  send: Connection['send'],
  terminal: Terminal,
  env: NodeJS.ProcessEnv = {},
): Command {
  const program = new Command('tollgate')
    .description('Administers a Tollgate gateway: its teams, users and tokens, and their usage.')
    .option('--json', 'print JSON, for programs')
    .version(version, '-V, --version', 'print the version')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => terminal.out(text.trimEnd()),
      writeErr: (text) => terminal.err(text.trimEnd()),
    })
    .showHelpAfterError('(add --help to see what is possible)')
    .exitOverride()
    .helpCommand(false);
  program.addHelpText(
    'after',
    '\nSet TOLLGATE_URL and ADMIN_KEY (or a tga_ token in its place) to work over HTTP.' +
      '\nOtherwise it works on the Redis of REDIS_TLS_URL or REDIS_URL, as root.' +
      '\n\nExit codes: 0 done; 1 refused or failed, see stderr; 2 wrong command line,' +
      '\nor --yes is needed; 3 the gateway or its store cannot be reached.' +
      `\n${example('team create beta --limit tokens/day=100000')}`,
  );
  const cli = new Cli({ send, terminal, json: () => program.opts()['json'] === true });
  for (const resource of [teams, users]) resourceCommands(program, cli, resource);
  tokenSearchCommands(resourceCommands(program, cli, tokens), cli);
  raiseCommands(program, cli);
  endUserCommands(program, cli);
  settingsCommands(program, cli);
  issuerCommands(program, cli);
  priceCommands(program, cli);
  deliveryCommands(resourceCommands(program, cli, webhooks), cli);
  overviewCommands(program, cli);
  reportCommands(program, cli);
  resourceCommands(program, cli, administrators);
  backupCommands(program, cli, terminal);
  auditCommands(program, cli);
  consoleCommand(program, cli);
  ledgerCommands(program, cli);
  doctorCommand(program, cli, { env, terminal });
  helpCommand(program);
  return program;
}

function exitCodeOf(error: unknown, terminal: Terminal): ExitCode {
  // Commander has printed the problem already. It throws for --help too, with code 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.misused;
  if (error instanceof CommandFailed) {
    terminal.err(error.message);
    return error.exitCode;
  }
  const message = error instanceof Error ? error.message : String(error);
  terminal.err(`Failed unexpectedly: ${message}`);
  return exitCodes.failed;
}
