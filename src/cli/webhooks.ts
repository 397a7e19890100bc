import { type Command, Option } from 'commander';
import { gatewayCounterKey } from '../identity/records/gateway-settings.ts';
import { webhookFormats } from '../identity/records/webhook.ts';
import { typesFor } from '../identity/schemas/webhook-requests.ts';
import { clearOption, parseDuration, repeatable, yesOption } from './arguments.ts';
import { plain, shortTime } from './cells.ts';
import type { Cli } from './cli.ts';
import { CommandFailed } from './command-failed.ts';
import { example } from './help.ts';
import { collectionPath, nameOption, type Resource, teamOption } from './resource.ts';
import type { Column } from './table.ts';

const eventOption = repeatable(
  '--event <type>',
  `a type of event to send, in place of all: ${typesFor('gateway').join(', ')}`,
);

/** Where events are sent. */
export const webhooks: Resource = {
  name: 'webhook',
  description: 'Webhooks: where events are sent, such as a limit that is nearly used up',
  collection: 'webhooks',
  isOfTeam: 'perhaps',
  id: { argument: '<id>', description: 'wh_…', example: 'wh_9KdnS1xP4kRb' },
  columns: [
    { title: 'WEBHOOK', cell: ({ id }) => plain(id), whole: true },
    { title: 'STATE', cell: ({ state }) => plain(state), whole: true },
    { title: 'WAITING', cell: ({ waiting }) => plain(waiting), right: true },
    { title: 'EVENTS', cell: ({ events }) => (events === null ? 'all' : plain(events)) },
    { title: 'URL', cell: ({ url }) => plain(url) },
    { title: 'NAME', cell: ({ name }) => plain(name), optional: true },
  ],
  create: {
    summary: 'have events sent to an address, and show the secret that signs them, once',
    argument: { name: '<url>', description: 'https://…', field: 'url' },
    options: [
      nameOption,
      new Option('--format <format>', 'without it, by the host: slack for Slack, Discord and Teams').choices(
        webhookFormats,
      ),
      eventOption,
    ],
    examples: ['https://example.com/in --name pager', 'https://example.com/in --team acme'],
    note: secretNote,
  },
  list: 'list the webhooks of the gateway, or of a team, and whether they take what is sent',
  listOptions: [],
  show: 'show a webhook, without its secret',
  set: {
    summary: 'change a webhook; types replace the types it had',
    options: [
      new Option('--url <url>', 'where to send from now on'),
      nameOption,
      eventOption,
      clearOption(['name', 'events']),
    ],
    examples: ['wh_6GdnS1xP4kRa --name on-call', 'wh_6GdnS1xP4kRa --clear events'],
  },
  enable: 'send events again to a webhook that was disabled',
  rotate: {
    summary:
      'give a webhook a new secret; the old one signs beside it for a while (with --overlap 0 it asks first)',
    options: [
      yesOption,
      new Option(
        '--overlap <time>',
        'how long the old secret signs too: 7d, 12h, 30m, 0; default: a day',
      ).argParser(parseDuration),
    ],
    examples: ['wh_6GdnS1xP4kRa --overlap 7d'],
    loss: (id, { overlap }) =>
      overlap === 0
        ? `What is sent to ${id} is no longer signed with the secret that its receiver knows.`
        : null,
    note: secretNote,
  },
  end: {
    verb: 'delete',
    summary: 'delete a webhook, with what waits to be sent to it',
    examples: ['wh_6GdnS1xP4kRa --yes'],
    loss: ({ id, record: { url, waiting } }) =>
      `This deletes the webhook ${id} (${plain(url)}); ${plain(waiting)} events wait to be sent to it.`,
    done: (id) => `Deleted the webhook ${id}.`,
  },
};

const deliveryColumns: readonly Column[] = [
  { title: 'TIME', cell: ({ time }) => shortTime(time), whole: true },
  { title: 'TYPE', cell: ({ type }) => plain(type), whole: true },
  { title: 'TRY', cell: (line) => plain(line['try']), right: true },
  { title: 'OUTCOME', cell: ({ outcome }) => plain(outcome), whole: true },
  { title: 'STATUS', cell: ({ status, error }) => plain(status ?? error), whole: true },
  { title: 'MS', cell: ({ duration_ms: took }) => plain(took), right: true },
  { title: 'NEXT TRY', cell: ({ next_at: next }) => shortTime(next), optional: true, whole: true },
  { title: 'EVENT', cell: ({ event }) => plain(event) },
];

/** What is sent to a webhook: `test` and `deliveries`. */
export function deliveryCommands(group: Command, cli: Cli): void {
  const add = (verb: string, description: string, words: string): Command =>
    group
      .command(verb)
      .description(description)
      .addOption(teamOption)
      .argument('<id>', 'wh_…')
      .addHelpText('after', example(`webhook ${verb} ${words}`));

  add('test', 'send a test to a webhook, and tell how that went', 'wh_9KdnS1xP4kRb').action(
    async (id: string, options: Whose) => {
      const line = await cli.call('POST', `${pathOf(id, options)}/test`);
      cli.printRecord(line);
      if (line?.['outcome'] !== 'test_delivered') throw new CommandFailed('The test was not taken.');
    },
  );

  add('deliveries', 'list what was sent to a webhook, the newest first', 'wh_6GdnS1xP4kRa --limit 20')
    .addOption(new Option('--limit <count>', 'at most this many, up to 200'))
    .action(async (id: string, { limit, ...options }: Whose & { limit?: string }) => {
      const query = limit === undefined ? '' : `?limit=${encodeURIComponent(limit)}`;
      await cli.printRows(`${pathOf(id, options)}/deliveries${query}`, deliveryColumns);
    });
}

interface Whose {
  team?: string;
}

function pathOf(id: string, { team = gatewayCounterKey }: Whose): string {
  return collectionPath(team, 'webhooks', id);
}

function secretNote(made: Readonly<Record<string, unknown>> | null): string {
  return made?.['secret'] === null
    ? 'What is sent to a chat is not signed: its address is what nobody else may know.'
    : 'The secret is shown only once. Keep it where events are received: its library checks them with it.';
}
