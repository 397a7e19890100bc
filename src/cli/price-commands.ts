import { type Command, InvalidArgumentError, Option } from 'commander';
import type { PricePart } from '../base/price.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../base/request.ts';
import { adminPath } from './arguments.ts';
import { day, plain } from './cells.ts';
import { type Cli, ifMatch } from './cli.ts';
import { CommandFailed, exitCodes } from './command-failed.ts';
import { example } from './help.ts';
import type { Column } from './table.ts';

/** The option of each part of a price. */
const parts = [
  { option: 'input', part: 'usd_per_million_input_tokens', unit: 'per million input tokens' },
  { option: 'output', part: 'usd_per_million_output_tokens', unit: 'per million output tokens' },
  { option: 'cacheRead', part: 'usd_per_million_cache_read_tokens', unit: 'per million tokens from a cache' },
  { option: 'cacheWrite', part: 'usd_per_million_cache_write_tokens', unit: 'per million tokens to a cache' },
  { option: 'image', part: 'usd_per_image', unit: 'per image' },
  { option: 'search', part: 'usd_per_search', unit: 'per search unit' },
] as const satisfies { option: string; part: PricePart; unit: string }[];

type PartOptions = Partial<Record<(typeof parts)[number]['option'], number>>;

const columns: Column[] = [
  { title: 'MODEL', cell: ({ model }) => plain(model), whole: true },
  inForce('INPUT', 'usd_per_million_input_tokens'),
  inForce('OUTPUT', 'usd_per_million_output_tokens'),
  inForce('CACHE READ', 'usd_per_million_cache_read_tokens'),
  inForce('CACHE WRITE', 'usd_per_million_cache_write_tokens'),
  inForce('IMAGE', 'usd_per_image'),
  inForce('SEARCH', 'usd_per_search'),
  { title: 'BY', cell: (row) => plain(priceIn(row['in_force'])['source']), optional: true },
  { title: 'NEXT', cell: (row) => day(priceIn(row['to_come'])['from']), optional: true },
];

function inForce(title: string, part: PricePart): Column {
  return { title, cell: (row) => plain(priceIn(row['in_force'])[part]), right: true, optional: true };
}

/** A price of an answer, or the first of several; empty if there is none. */
function priceIn(value: JsonValue | undefined): JsonObject {
  const first = Array.isArray(value) ? value[0] : value;
  return isJsonObject(first ?? null) ? (first as JsonObject) : {};
}

const fromOption = (description: string): Option => new Option('--from <when>', description);

/** `tollgate prices …` */
export function priceCommands(program: Command, cli: Cli): void {
  const prices = program
    .command('prices')
    .description('What models cost, in US dollars')
    .addHelpText('after', example('prices list'));

  prices
    .command('list', { isDefault: true })
    .description(
      'list the prices in force: BY file is the catalogue, api was set here; tokens are in millions',
    )
    .addHelpText('after', example('prices list'))
    .action(() => cli.printRows(adminPath('prices'), columns));

  prices
    .command('show')
    .description('show what a model costs, and what it will')
    .argument('<model>')
    .addHelpText('after', example('prices show nova-lite'))
    .action((model: string) => cli.callAndPrint('GET', adminPath('prices', model)));

  const set = prices
    .command('set')
    .description('set what a model costs, from now or from a day on')
    .argument('<model>');
  for (const { option, unit } of parts) {
    const flag = option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    set.addOption(new Option(`--${flag} <usd>`, `US dollars ${unit}`).argParser(parseUsd));
  }
  set
    .addOption(fromOption('2027-01-01, or an RFC 3339 time; without it, from now on'))
    .addHelpText('after', example('prices set nova-lite --input 1 --output 5'))
    .action((model: string, { from, ...given }: PartOptions & { from?: string }) => {
      const price = partsIn(given);
      if (Object.keys(price).length === 0) {
        throw new CommandFailed(
          'Name a part of the price, such as --input 3 --output 15.',
          exitCodes.misused,
        );
      }
      return change(cli, model, (before) => [
        ...before.filter((each) => !beginsAt(each, from)),
        { ...(from === undefined ? {} : { from }), ...price },
      ]);
    });

  prices
    .command('clear')
    .description("take back what was set: the catalogue's price counts again")
    .argument('<model>')
    .addOption(fromOption('only the price that is to begin then'))
    .addHelpText('after', example('prices clear nova-lite --from 2099-01-01', 'prices clear nova-lite'))
    .action((model: string, { from }: { from?: string }) =>
      from === undefined ? clear(cli, model) : change(cli, model, (before) => withoutOne(before, from)),
    );
}

/** Changes the list of prices that were set, unless somebody else does meanwhile, and tells what counts before and after. */
async function change(
  cli: Cli,
  model: string,
  next: (before: readonly JsonObject[]) => JsonObject[],
): Promise<void> {
  const path = adminPath('prices', model);
  const { record, etag } = await cli.look(path);
  const { set } = record;
  const before = Array.isArray(set) ? set.filter(isJsonObject) : [];
  const after = await cli.call('PUT', path, { prices: next(before) }, ifMatch(etag));
  cli.printRecord(after);
  cli.note(`Before: ${shown(record)}\nAfter:  ${shown(after)}`);
}

async function clear(cli: Cli, model: string): Promise<void> {
  const path = adminPath('prices', model);
  const { record, etag } = await cli.look(path);
  await cli.call('DELETE', path, undefined, ifMatch(etag));
  // It is done even if this fails: the catalogue may not have the model any more.
  const after = await cli.call('GET', path).catch(() => null);
  cli.printDone({ model, cleared: true }, `Prices of ${plain(model)} are those of the catalogue again.`);
  cli.note(`Before: ${shown(record)}${after === null ? '' : `\nAfter:  ${shown(after)}`}`);
}

function withoutOne(before: readonly JsonObject[], from: string): JsonObject[] {
  const rest = before.filter((each) => !beginsAt(each, from));
  if (rest.length < before.length) return rest;
  throw new CommandFailed(`No price was set that begins ${plain(from)}; there are: ${plain([...before])}.`);
}

function beginsAt({ from }: JsonObject, when: string | undefined): boolean {
  return typeof from === 'string' && when !== undefined && Date.parse(from) === Date.parse(when);
}

function shown(record: JsonObject | null): string {
  const { in_force: now = null, to_come: next = [] } = record ?? {};
  const toCome = Array.isArray(next) && next.length > 0 ? ` | to come: ${next.map(plain).join(' | ')}` : '';
  return `${now === null ? 'unpriced' : plain(now)}${toCome}`;
}

function partsIn(given: PartOptions): JsonObject {
  return Object.fromEntries(
    parts.flatMap(({ option, part }) => {
      const usd = given[option];
      return usd === undefined ? [] : [[part, usd]];
    }),
  );
}

function parseUsd(text: string): number {
  if (/^\d{1,7}(?:\.\d{1,9})?$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Write dollars, such as 3 or 0.25.');
}
