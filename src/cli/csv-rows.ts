/** A row of a CSV file: the line it begins on, and its fields by the names of the columns. */
export interface CsvRow {
  line: number;
  fields: Readonly<Record<string, string>>;
}

/** What is wrong in a file, with the line. */
export interface CsvProblem {
  line: number;
  message: string;
}

interface Line {
  line: number;
  cells: string[];
}

/**
 * The rows of a CSV text (RFC 4180; any line ends) whose first line names its columns. Blank lines are passed over. All
 * problems are told at once.
 */
export function csvRows(
  text: string,
  { known, required }: { known: readonly string[]; required: readonly string[] },
): { rows: CsvRow[]; problems: CsvProblem[] } {
  const { lines, openedOn } = linesOf(text);
  if (openedOn !== null)
    return {
      rows: [],
      problems: [{ line: openedOn, message: 'a quote is not closed, or stands inside a field' }],
    };
  const [head, ...body] = lines;
  if (head === undefined)
    return { rows: [], problems: [{ line: 1, message: 'there is no line of columns' }] };
  const names = head.cells.map((cell) => cell.trim().toLowerCase());
  const problems = [
    ...names
      .filter((name) => !known.includes(name))
      .map((name) => `there is no column ${JSON.stringify(name)}`),
    ...names.filter((name, n) => names.indexOf(name) < n).map((name) => `the column ${name} is there twice`),
    ...required.filter((name) => !names.includes(name)).map((name) => `the column ${name} is missing`),
  ].map((what): CsvProblem => ({ line: head.line, message: `${what}; columns may be ${known.join(', ')}` }));
  const rows: CsvRow[] = [];
  for (const { line, cells } of body) {
    if (cells.length !== names.length) {
      problems.push({
        line,
        message: `has ${cells.length} fields, and not ${names.length} as the first line`,
      });
    } else {
      rows.push({
        line,
        fields: Object.fromEntries(names.map((name, n) => [name, (cells[n] ?? '').trim()])),
      });
    }
  }
  return { rows, problems };
}

/** A cell at a time: quoted, where `""` stands for a quote, or plain; and what ends it. */
const cellAt = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))[ \t]*(,|\r\n|\n|\r|$)/y;

function linesOf(text: string): { lines: Line[]; openedOn: number | null } {
  const lines: Line[] = [];
  let cells: string[] = [];
  let [line, startLine] = [1, 1];
  for (let at = 0; at < text.length; at = cellAt.lastIndex) {
    cellAt.lastIndex = at;
    const match = cellAt.exec(text);
    if (match === null) return { lines, openedOn: line };
    const [whole, quoted, plain = '', end = ''] = match;
    cells.push(quoted?.replaceAll('""', '"') ?? plain);
    line += whole.match(/\r\n|\n|\r/g)?.length ?? 0;
    if (end === ',' && cellAt.lastIndex < text.length) continue;
    if (end === ',') cells.push('');
    if (cells.some((cell) => cell.trim() !== '')) lines.push({ line: startLine, cells });
    cells = [];
    startLine = line;
  }
  return { lines, openedOn: null };
}
