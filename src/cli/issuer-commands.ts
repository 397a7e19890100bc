import type { Command } from 'commander';
import { isJsonObject, type JsonObject, type JsonValue } from '../base/request.ts';
import { plain } from './cells.ts';
import type { Cli } from './cli.ts';
import { example } from './help.ts';
import type { Column } from './table.ts';

const columns: Column[] = [
  { title: 'ISSUER', cell: ({ issuer }) => plain(issuer) },
  { title: 'TEAM', cell: ({ team }) => (isJsonObject(team) ? `by ${plain(team['claim'])}` : plain(team)) },
  { title: 'USERS', cell: ({ users }) => plain(users) },
  { title: 'CONSOLE', cell: ({ console: client }) => consoleText(client) },
];

/** `tollgate issuer …` */
export function issuerCommands(program: Command, cli: Cli): void {
  program
    .command('issuer')
    .description('OpenID providers whose people may sign in')
    .addHelpText('after', example('issuer list'))
    .command('list')
    .description('list the trusted issuers, as ISSUERS_FILE has them')
    .addHelpText('after', example('issuer list'))
    .action(() => cli.printRows('/admin/issuers', columns));
}

/** What claims make of people in the console. */
function consoleText(client: JsonValue | undefined): string {
  if (!isJsonObject(client)) return 'no sign-in';
  const roles = Array.isArray(client['roles']) ? client['roles'].filter(isJsonObject) : [];
  return roles.length === 0 ? 'holders' : roles.map(roleText).join('; ');
}

function roleText({ claim, values, role, teams }: JsonObject): string {
  const of = teams === null ? '' : ` of ${plain(teams)}`;
  return `${plain(role)}${of} by ${plain(claim)}: ${plain(values)}`;
}
