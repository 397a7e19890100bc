import type { ZodType } from 'zod';
import type { JsonObject } from '../base/request.ts';
import { plain } from './cells.ts';
import type { Cli } from './cli.ts';
import { CommandFailed } from './command-failed.ts';
import { type CsvProblem, type CsvRow, csvRows } from './csv-rows.ts';
import { readInput } from './read-input.ts';

/** What there is in a team already, as far as a row may meet it. */
export interface Known {
  /** Whether what a row asks for is there. */
  has: (body: JsonObject) => boolean;
  /** Why a row cannot be made beside what is there; null if it can. */
  problemOf: (body: JsonObject) => string | null;
}

/** How many records of a kind are made from a file. */
export interface ManyFromFile {
  /** The columns that are read, of which the first must be there. */
  columns: readonly string[];
  /** Columns that may be there for other commands. */
  ignored: readonly string[];
  schema: ZodType;
  /** The fields of the API for a row. Throws an `Error` whose message says what is wrong with it. */
  bodyOf: (fields: CsvRow['fields']) => JsonObject;
  /** What no two rows may have both; null if a row has none. */
  uniqueIn: (body: JsonObject) => readonly (string | null)[];
  known: (cli: Cli, team: string) => Promise<Known>;
  /** The columns that are printed of each row, by the names of the API's fields. */
  printed: readonly string[];
  note: (made: readonly JsonObject[]) => string;
}

interface Row {
  line: number;
  body: JsonObject;
}

/**
 * Makes a record for each row of a CSV file. Nothing is made if any row has a problem; all of them are told, with their
 * lines. What is there already is told and not made again, so that the same file goes on where it broke off.
 */
export async function createMany(
  cli: Cli,
  many: ManyFromFile,
  { file, team, path, shared }: { file: string; team: string; path: string; shared: object },
): Promise<void> {
  const { name, text } = await readInput(file);
  const [required = ''] = many.columns;
  const parsed = csvRows(text, { known: [...many.columns, ...many.ignored], required: [required] });
  const read = parsed.rows.map((row) => readRow(row, many, shared));
  const rows = read.flatMap((each) => ('body' in each ? [each] : []));
  const problems = [
    ...parsed.problems,
    ...read.flatMap((each) => ('body' in each ? [] : each.problems)),
    ...twice(rows, many),
  ];
  const known = await many.known(cli, team);
  for (const { line, body } of rows) {
    const problem = known.has(body) ? null : known.problemOf(body);
    if (problem !== null) problems.push({ line, message: problem });
  }
  if (problems.length > 0) throw wrongFile(name, problems);
  const made: JsonObject[] = [];
  const tell = cli.rowPrinter(['status', ...many.printed]);
  try {
    for (const { line, body } of rows) {
      const isThere = known.has(body);
      const record = isThere ? body : await makeOne(cli, path, { line, body });
      if (!isThere) made.push(record);
      tell.row({ status: isThere ? 'exists' : 'created', ...picked(record, many.printed) });
    }
  } finally {
    // Also what was made before something failed: a link is shown only once.
    tell.end();
  }
  cli.note(`${made.length} created, ${rows.length - made.length} there already.`);
  if (made.length > 0) cli.note(many.note(made));
}

async function makeOne(cli: Cli, path: string, { line, body }: Row): Promise<JsonObject> {
  try {
    return (await cli.call('POST', path, body)) ?? {};
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error;
    const goOn = 'The rows before it are done. Run the same command again to go on: nothing is made twice.';
    throw new CommandFailed(`Line ${line}: ${error.message}\n${goOn}`, error.exitCode);
  }
}

function readRow(
  { line, fields }: CsvRow,
  { schema, bodyOf }: ManyFromFile,
  shared: object,
): Row | { problems: CsvProblem[] } {
  const problem = (message: string): CsvProblem => ({ line, message });
  let body: JsonObject;
  try {
    body = { ...shared, ...bodyOf(fields) };
  } catch (error) {
    return { problems: [problem(error instanceof Error ? error.message.replace(/\.$/, '') : String(error))] };
  }
  const checked = schema.safeParse(body);
  if (checked.success) return { line, body };
  return {
    problems: checked.error.issues.map((issue) =>
      problem(`${issue.path.map(String).join('.')} ${issue.message}`),
    ),
  };
}

/** Rows that ask for what an earlier one asks for. */
function twice(rows: readonly Row[], { uniqueIn }: ManyFromFile): CsvProblem[] {
  const first = new Map<string, number>();
  return rows.flatMap(({ line, body }) =>
    uniqueIn(body).flatMap((key, n) => {
      if (key === null) return [];
      const before = first.get(`${n} ${key}`);
      first.set(`${n} ${key}`, before ?? line);
      return before === undefined ? [] : [{ line, message: `${plain(key)} is on line ${before} already` }];
    }),
  );
}

function wrongFile(name: string, problems: readonly CsvProblem[]): CommandFailed {
  const lines = problems
    .toSorted((a, b) => a.line - b.line)
    .map(({ line, message }) => `Line ${line}: ${message}.`);
  return new CommandFailed(`${name} cannot be used; nothing was made.\n${lines.join('\n')}`);
}

function picked(record: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(names.map((name) => [name, record[name] ?? null]));
}
