import { Option } from 'commander';
import { administratorRoles } from '../base/actor.ts';
import { byCreation, expiresOption, pageOptions, repeatable } from './arguments.ts';
import { day, plain } from './cells.ts';
import { nameOption, type Resource } from './resource.ts';

export const administrators: Resource = {
  name: 'admin',
  description: 'Administrators; only root may create them',
  collection: 'admins',
  isOfTeam: false,
  id: { argument: '<id>', description: 'adm_…', example: 'adm_8sKw3TzPq1Ln' },
  columns: [
    { title: 'ADMIN', cell: ({ id }) => plain(id), whole: true },
    { title: 'ROLE', cell: ({ role }) => plain(role) },
    { title: 'TEAMS', cell: ({ teams }) => (teams === null ? 'all' : plain(teams)) },
    { title: 'NAME', cell: ({ name }) => plain(name), optional: true },
    { title: 'EXPIRES', cell: (admin) => day(admin['expires_at']), whole: true },
  ],
  create: {
    summary: 'create an administrator and show its token, once',
    options: [
      new Option('--role <role>').choices(administratorRoles).makeOptionMandatory(),
      repeatable(
        '--team <team>',
        'a team to administer: required for a team-admin, not allowed for an admin',
      ),
      nameOption,
      expiresOption,
    ],
    examples: ['--role team-admin --team acme'],
    note: () =>
      'The token is shown only once. Use it in place of ADMIN_KEY: in a header, or in the variable.',
  },
  list: 'list all administrators, without their tokens',
  listOptions: pageOptions(byCreation),
  show: 'show an administrator, without its token',
  end: {
    verb: 'revoke',
    summary: 'revoke an administrator: its token is refused from the next request on',
    examples: ['adm_8sKw3TzPq1Ln --yes'],
    loss: ({ id, record: { role, name } }) =>
      `This revokes the administrator ${id} (${plain(role)}, ${plain(name)}) and its token.`,
    done: (id) => `Revoked the administrator ${id}.`,
  },
};
