import { Option, type Command } from 'commander';
import { administratorRoles } from '../base/actor.ts';
import { adminPath, bodyOf, parseExpiry, repeatable, type FieldOptions } from './arguments.ts';
import { day, plain } from './cells.ts';
import type { Cli } from './cli.ts';
import { remove, withYes, type YesOption } from './removal.ts';
import { example } from './help.ts';
import type { Column } from './table.ts';

interface AdministratorOptions extends FieldOptions {
  role: string;
  team?: string[];
}

const columns: Column[] = [
  { title: 'ADMIN', cell: ({ id }) => plain(id), whole: true },
  { title: 'ROLE', cell: ({ role }) => plain(role) },
  { title: 'TEAMS', cell: ({ teams }) => (teams === null ? 'all' : plain(teams)) },
  { title: 'NAME', cell: ({ name }) => plain(name) },
  { title: 'EXPIRES', cell: (admin) => day(admin['expires_at']), whole: true },
];

/** `tollgate admin …` */
export function adminCommands(program: Command, cli: Cli): void {
  const admin = program
    .command('admin')
    .description('Administrators; only root may create them')
    .addHelpText('after', example('admin list'));

  admin
    .command('create')
    .description('create an administrator and show its token, once')
    .addOption(new Option('--role <role>').choices(administratorRoles).makeOptionMandatory())
    .addOption(
      repeatable(
        '--team <team>',
        'a team to administer: required for a team-admin, not allowed for an admin',
      ),
    )
    .option('--name <name>', 'a name for people')
    .option('--expires <when>', '90d, 12h, 2027-01-31 or an RFC 3339 time', parseExpiry)
    .addHelpText('after', example('admin create --role team-admin --team acme'))
    .action(async ({ role, team: teams, ...options }: AdministratorOptions) => {
      const body = { role, ...(teams ? { teams } : {}), ...bodyOf(options) };
      await cli.callAndPrint('POST', adminPath('admins'), body);
      cli.note(
        'The token is shown only once. Use it in place of ADMIN_KEY: in a header, or in the variable.',
      );
    });

  admin
    .command('list')
    .description('list all administrators, without their tokens')
    .addHelpText('after', example('admin list'))
    .action(() => cli.callAndList(adminPath('admins'), columns));

  admin
    .command('show')
    .description('show an administrator, without its token')
    .argument('<id>', 'adm_…')
    .addHelpText('after', example('admin show adm_8sKw3TzPq1Ln'))
    .action((id: string) => cli.callAndPrint('GET', adminPath('admins', id)));

  withYes(admin.command('revoke').alias('delete'))
    .description('revoke an administrator: its token is refused from the next request on')
    .argument('<id>', 'adm_…')
    .addHelpText('after', example('admin revoke adm_8sKw3TzPq1Ln --yes'))
    .action(async (id: string, { yes }: YesOption) => {
      await remove(cli, {
        path: adminPath('admins', id),
        yes,
        loss: ({ role, name }) =>
          `This revokes the administrator ${id} (${plain(role)}, ${plain(name)}) and its token.`,
        done: { value: { admin: id, revoked: true }, words: `Revoked the administrator ${id}.` },
      });
    });
}
