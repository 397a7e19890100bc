/** One figure, as each source counted it. */
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

/** One line for each row that differs. */
export function differences(tables: readonly Table[]): string[] {
  return tables.flatMap(({ title, columns, rows }) =>
    rows
      .filter(({ agrees }) => !agrees)
      .map(({ name, figures }) => {
        const values = figures.map((figure, n) => `${columns[n] ?? ''} ${figure}`.trim());
        return `${title} › ${name}: ${values.join(', ')}`;
      }),
  );
}
