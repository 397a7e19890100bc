import { fileUrl, type Page as Rows, withQuery } from '../api.ts';
import { useReading } from '../data.ts';
import { compact, count, usd } from '../format.ts';
import { html, type View } from '../html.ts';
import { type Series, StackedChart } from '../parts/chart.ts';
import { ChoiceFilter, TextFilter } from '../parts/filters.ts';
import { Page, Section } from '../parts/page.ts';
import { RangeFilter, rangeOf, type Range } from '../parts/range.ts';
import { Shown } from '../parts/state.ts';
import { type Column, Table } from '../parts/table.ts';
import { hrefTo, type Route } from '../router.ts';

type Group = 'team' | 'user' | 'token' | 'model' | 'endpoint';

interface UsageRow extends Partial<Record<Group | 'day', string>> {
  requests: number;
  input_tokens: number;
  output_tokens: number;
  images: number;
  errors: number;
  aborted: number;
  lost: number;
  cost_usd: number;
}

const groups = [
  ['model', 'Model'],
  ['team', 'Team'],
  ['user', 'User'],
  ['token', 'Token'],
  ['endpoint', 'Endpoint'],
] as const;

const figures = [
  ['cost_usd', 'Cost'],
  ['requests', 'Requests'],
  ['input_tokens', 'Input tokens'],
  ['output_tokens', 'Output tokens'],
] as const;
type FigureName = (typeof figures)[number][0];

/** So many groups are a chart by group; more are one colour. */
const mostInChart = 50;
const mostRows = 200;

const filterNames = ['team', 'user', 'token', 'model', 'endpoint'] as const;

/** Who used what, from day to day. */
export function Usage({ route }: { route: Route }): View {
  const { query } = route;
  const range = rangeOf(route, 29);
  const by = groups.find(([name]) => name === query.get('by'))?.[0] ?? 'model';
  const figure = figures.find(([name]) => name === query.get('figure'))?.[0] ?? 'cost_usd';
  const asked = { ...range, ...Object.fromEntries(filterNames.map((name) => [name, query.get(name)])) };
  const path = (groupBy: string | null): string => withQuery('/admin/usage', { ...asked, group_by: groupBy });
  const sums = useReading<Rows<UsageRow>>(path(by));
  const total = useReading<Rows<UsageRow>>(path(null));
  const rows = sums.value?.data ?? [];
  const isByGroup = rows.length <= mostInChart;
  const days = useReading<Rows<UsageRow>>(sums.value === null ? null : path(isByGroup ? `day,${by}` : 'day'));
  const csv = fileUrl(withQuery('/admin/usage', { ...asked, group_by: by, format: 'csv' }));
  const sorted = rows.toSorted((a, b) => b[figure] - a[figure]);
  const reload = (): void => {
    for (const each of [sums, total, days]) each.reload();
  };
  return html`<${Page}
    title="Usage"
    actions=${html`<a class="button" href=${csv} download>Download CSV</a>`}
    reload=${reload}
  >
    <div class="filters">
      <${RangeFilter} route=${route} range=${range} />
      <${ChoiceFilter} route=${route} name="by" label="By" options=${groups} />
      <${ChoiceFilter} route=${route} name="figure" label="Figure" options=${figures} />
      <${TextFilter} route=${route} name="team" label="Team" />
      <${TextFilter} route=${route} name="user" label="User" />
      <${TextFilter} route=${route} name="model" label="Model" />
    </div>
    <${Shown}
      isLoading=${sums.isLoading}
      problem=${sums.problem ?? days.problem}
      hasValue=${days.value !== null}
      reload=${reload}
    >
      <${Section} title=${`${labelOf(figure)} a day`}>
        <${StackedChart}
          label=${`${labelOf(figure)} a day, ${range.from} to ${range.to}`}
          unit="Day"
          labels=${daysIn(range).map((day) => day.slice(5))}
          series=${seriesOf(days.value?.data ?? [], { range, by: isByGroup ? by : null, figure })}
          format=${figure === 'cost_usd' ? usd : compact}
        />
      <//>
      <${Section} title=${`By ${by}`}>
        <${Table}
          label=${`Usage by ${by}`}
          columns=${columnsFor(by, range)}
          rows=${sorted.slice(0, mostRows)}
          total=${total.value?.data[0] ?? null}
          none="Nothing was used in these days"
        />
        ${sorted.length > mostRows ? html`<p class="quiet">The first ${mostRows} of ${count(sorted.length)}. The CSV has all.</p>` : null}
      <//>
    <//>
  <//>`;
}

function labelOf(figure: FigureName): string {
  return figures.find(([name]) => name === figure)?.[1] ?? figure;
}

function columnsFor(by: Group, range: Range): Column<UsageRow>[] {
  const figure = (title: string, cell: Column<UsageRow>['cell'], isExtra = false): Column<UsageRow> => ({
    title,
    cell,
    isFigure: true,
    isExtra,
  });
  return [
    { title: groups.find(([name]) => name === by)?.[1] ?? by, cell: (row) => nameIn(row, by, range) },
    figure('Requests', ({ requests }) => count(requests)),
    figure('Input tokens', ({ input_tokens: tokens }) => count(tokens)),
    figure('Output tokens', ({ output_tokens: tokens }) => count(tokens)),
    figure('Images', ({ images }) => count(images), true),
    figure('Errors', ({ errors }) => count(errors), true),
    figure('Cost', ({ cost_usd: cost }) => usd(cost)),
  ];
}

/** The name of a row, with a link to the requests behind it. A row of sums has none. */
function nameIn(row: UsageRow, by: Group, range: Range): unknown {
  const name = row[by];
  if (name === undefined) return 'All';
  const who = row.team === undefined ? {} : { team: row.team };
  const href = hrefTo(['requests'], { ...range, ...who, [by]: name });
  const team = by !== 'team' && row.team !== undefined ? html` <span class="quiet">${row.team}</span>` : null;
  return html`<a href=${href}>${name}</a>${team}`;
}

interface SeriesOptions {
  range: Range;
  by: Group | null;
  figure: FigureName;
}

/** The rows of days as one series a group. Pure. */
export function seriesOf(rows: readonly UsageRow[], { range, by, figure }: SeriesOptions): Series[] {
  const days = daysIn(range);
  const found = new Map<string, Map<string, number>>();
  for (const row of rows) {
    const name =
      by === null
        ? 'All'
        : [row.team === undefined || by === 'team' ? '' : `${row.team}/`, row[by] ?? ''].join('');
    const values = found.get(name) ?? new Map<string, number>();
    values.set(row.day ?? '', row[figure]);
    found.set(name, values);
  }
  return [...found].map(([name, values]) => ({ name, values: days.map((day) => values.get(day) ?? 0) }));
}

/** Every day of a range. Pure. */
export function daysIn({ from, to }: Range): string[] {
  const days: string[] = [];
  for (let at = Date.parse(from); at <= Date.parse(to); at += 86_400_000)
    days.push(new Date(at).toISOString().slice(0, 10));
  return days;
}
