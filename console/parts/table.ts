import type { List } from '../data.ts';
import { type Children, html, type View } from '../html.ts';
import { Empty, Shown } from './state.ts';

/** A column of a table. */
export interface Column<Row> {
  title: string;
  cell: (row: Row) => unknown;
  /** Figures stand at the right, one below the other. */
  isFigure?: boolean;
  /** Left out on narrow screens. */
  isExtra?: boolean;
}

interface TableProps<Row> {
  /** What it is a table of, for those who hear it. */
  label: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  /** A row of sums below. */
  total?: Row | null;
  /** What stands there if there are no rows. */
  none?: string;
}

/** On narrow screens a row is a block, and `display` takes from a table what it is: so the roles are written out. */
export function Table<Row>({ label, columns, rows, total = null, none = '' }: TableProps<Row>): View {
  if (rows.length === 0 && none !== '') return html`<${Empty} title=${none} />`;
  const row = (each: Row) =>
    html`<tr role="row">
      ${columns.map((column) => html`<td role="cell" class=${classOf(column)} data-title=${column.title}><span>${column.cell(each)}</span></td>`)}
    </tr>`;
  return html`<div class="scroll" role="region" aria-label=${label} tabindex="0">
    <table role="table" class=${columns.length > 3 ? 'many' : ''}>
      <caption class="unseen">
        ${label}
      </caption>
      <thead role="rowgroup">
        <tr role="row">
          ${columns.map((column) => html`<th role="columnheader" scope="col" class=${classOf(column)}>${column.title}</th>`)}
        </tr>
      </thead>
      <tbody role="rowgroup">
        ${rows.map(row)}
      </tbody>
      ${
        total === null
          ? null
          : html`<tfoot role="rowgroup">
              ${row(total)}
            </tfoot>`
      }
    </table>
  </div>`;
}

function classOf({ isFigure = false, isExtra = false }: Column<never>): string {
  return [isFigure ? 'figure' : '', isExtra ? 'extra' : ''].filter((name) => name !== '').join(' ');
}

interface ListTableProps<Row> {
  label: string;
  columns: readonly Column<Row>[];
  list: List<Row>;
  /** What stands there if there are no rows. */
  none: string;
  hint?: Children;
}

/** A list in pages: its rows so far, and a button for more. */
export function ListTable<Row>({ label, columns, list, none, hint }: ListTableProps<Row>): View {
  const { rows, problem, isLoading, hasMore, more, reload } = list;
  return html`<div class="list">
    <${Shown} isLoading=${isLoading} problem=${problem} hasValue=${rows !== null} reload=${reload}>
      ${
        rows?.length === 0
          ? html`<${Empty} title=${hasMore ? 'Nothing found yet; there is more to search' : none}>${hint}<//>`
          : html`<${Table} label=${label} columns=${columns} rows=${rows ?? []} />`
      }
      ${hasMore ? html`<p><button type="button" onClick=${more} disabled=${isLoading}>Show more</button></p>` : null}
    <//>
  </div>`;
}
