/** One figure as several accounts have it. */
export interface Row {
  name: string;
  figures: readonly (string | number)[];
  agrees: boolean;
}

/** A table of such figures. */
export interface Table {
  title: string;
  columns: readonly string[];
  rows: readonly Row[];
}

/** What a check says: tables to look at, and what is wrong in words. */
export interface Findings {
  tables: readonly Table[];
  problems: readonly string[];
}

const width = 14;

/** A table as text, its figures side by side. */
export function printed({ title, columns, rows }: Table): string {
  const longest = Math.max(title.length, ...rows.map(({ name }) => name.length));
  const cells = (figures: readonly (string | number)[]): string =>
    figures.map((figure) => String(figure).padStart(width)).join('');
  const lines = rows.map(
    ({ name, figures, agrees }) => `${name.padEnd(longest)}${cells(figures)}  ${agrees ? 'ok' : 'DIFFERS'}`,
  );
  return [`${title.padEnd(longest)}${cells(columns)}`, ...lines, ''].join('\n');
}

/** Whether everything is as it should be. */
export function allAgree(findings: readonly Findings[]): boolean {
  return findings.every(
    ({ tables, problems }) =>
      problems.length === 0 && tables.every(({ rows }) => rows.every((row) => row.agrees)),
  );
}
