import { columns } from './columns.ts';
import { figure, type Table, type Tables } from './report.ts';

export interface Aim {
  what: string;
  /** The case whose table has the figure, and the row; absent: this gateway's. */
  of: string;
  row?: string;
  /** The columns that may have it, the best first, with what each counts in if there is a choice. */
  from: readonly { column: string; countedIn?: string }[];
  bound: { atMost: number } | { atLeast: number };
  unit: string;
}

const cost = [
  { column: columns.instructionsTimesBare, countedIn: 'instructions' },
  { column: columns.cpuTimesBare, countedIn: 'CPU' },
];
const timesBare = { from: cost, unit: '× bare' };

/** What the gateway is to reach, everything on. */
export const aims: readonly Aim[] = [
  { what: 'a short chat, 64 at once', of: 'short-chat', bound: { atMost: 1.5 }, ...timesBare },
  { what: 'a short chat, one at a time', of: 'one-at-a-time', bound: { atMost: 1.75 }, ...timesBare },
  { what: 'a streamed chunk', of: 'streams', bound: { atMost: 0.8 }, ...timesBare },
  { what: 'the same of `/v1/messages`', of: 'messages-streams', bound: { atMost: 0.8 }, ...timesBare },
  {
    // In CPU, as the aim was set: bare leaves most of its work on such a body to the kernel, which is not counted.
    what: 'a prompt of 100 kB',
    of: 'large-bodies',
    row: 'prompts: tollgate',
    from: [{ column: columns.cpuTimesBare, countedIn: 'CPU' }],
    bound: { atMost: 4 },
    unit: '× bare',
  },
  {
    what: 'first byte of a stream, p50, added to direct',
    of: 'streams',
    from: [{ column: columns.firstByteAdded }],
    bound: { atMost: 1 },
    unit: 'ms',
  },
  {
    what: 'p99 added at 500 requests a second',
    of: 'latency',
    from: [{ column: columns.p99TimesBare }],
    bound: { atMost: 1.5 },
    unit: '× bare',
  },
  {
    what: 'requests a second, one process',
    of: 'short-chat',
    from: [{ column: columns.timesPortkey }],
    bound: { atLeast: 5 },
    unit: '× Portkey',
  },
  {
    what: '10,000 open streams',
    of: 'open-streams',
    from: [{ column: columns.tenThousandOpenMb }],
    bound: { atMost: 512 },
    unit: 'MB',
  },
  {
    what: 'calls of the store, three limits',
    of: 'store-cost',
    row: '3 limits',
    from: [{ column: columns.callsAlone }],
    bound: { atMost: 2 },
    unit: 'a request',
  },
  {
    what: 'commands in them',
    of: 'store-cost',
    row: '3 limits',
    from: [{ column: columns.commandsAlone }],
    bound: { atMost: 19 },
    unit: 'a request',
  },
];

/** Each aim whose case was run: what was aimed at, what was measured, and whether that reaches it. */
export function aimsTable(tables: Tables): Table {
  const rows = aims.flatMap((aim) => {
    const table = tables[aim.of];
    return table === undefined ? [] : [{ name: aim.what, figures: judged(aim, table) }];
  });
  return { title: 'Aims', columns: ['aim', 'measured', 'reached'], rows };
}

function judged(aim: Aim, table: Table): string[] {
  const { bound, unit, from } = aim;
  const wanted = 'atMost' in bound ? `≤ ${bound.atMost}` : `≥ ${bound.atLeast}`;
  const found = from
    .map(({ column, countedIn }) => ({ value: figureAt(table, aim.row ?? 'tollgate', column), countedIn }))
    .find(({ value }) => Number.isFinite(value));
  if (!found) return [`${wanted} ${unit}`, '–', '–'];
  const { value, countedIn } = found;
  const measured = `${figure(value)} ${unit}${countedIn === undefined ? '' : ` (${countedIn})`}`;
  return [`${wanted} ${unit}`, measured, verdict(value, bound)];
}

/** Judges the figure as it is printed, so that nobody reads `2.00` and `no` beside `≤ 2`. */
function verdict(value: number, bound: Aim['bound']): string {
  const printed = Number(figure(value).replaceAll(',', ''));
  const aim = 'atMost' in bound ? bound.atMost : bound.atLeast;
  const isReached = 'atMost' in bound ? printed <= aim : printed >= aim;
  if (isReached) return 'yes';
  const percent = Math.max(1, Math.round((Math.abs(printed - aim) / aim) * 100));
  return `no: ${percent} % ${printed > aim ? 'above' : 'below'}`;
}

/** A figure that should be there but was not measured is NaN. A row or column that is not there is a mistake here. */
function figureAt({ title, columns: names, rows }: Table, rowName: string, column: string): number {
  const row = rows.find(({ name }) => name === rowName);
  const value = row?.figures[names.indexOf(column)];
  if (value === undefined) throw new Error(`“${title}” has no row ${rowName} with a column ${column}.`);
  return Number(value === '' ? Number.NaN : value);
}
