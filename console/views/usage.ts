import { useRef } from 'preact/hooks';
import { fileUrl, type Page as Rows, withQuery } from '../api.ts';
import { useReading } from '../data.ts';
import { compact, count, usd } from '../format.ts';
import { html, type View } from '../html.ts';
import { StackedChart } from '../parts/chart.ts';
import { ChoiceFilter, TextFilter } from '../parts/filters.ts';
import { Page, Section } from '../parts/page.ts';
import { RangeFilter, rangeOf, type Range } from '../parts/range.ts';
import { Shown } from '../parts/state.ts';
import { type Column, Table } from '../parts/table.ts';
import { hrefTo, type Route } from '../router.ts';
import type { TeamRecord } from './records.ts';
import { daysIn, type FigureName, type Group, seriesOf, type UsageRow } from '../usage-series.ts';

const groups: readonly (readonly [Group, string])[] = [
  ['model', 'Model'],
  ['team', 'Team'],
  ['user', 'User'],
  ['token', 'Token'],
  ['endpoint', 'Endpoint'],
  ['end_user', 'End user'],
];

const figures: readonly (readonly [FigureName, string])[] = [
  ['cost_usd', 'Cost'],
  ['requests', 'Requests'],
  ['input_tokens', 'Input tokens'],
  ['output_tokens', 'Output tokens'],
];

/** So many groups are a chart by group; more are one colour. */
const mostInChart = 50;
const mostRows = 200;

const filterNames = ['team', 'user', 'token', 'model', 'endpoint', 'end_user', 'tag'] as const;

/** By the tags of the team that is looked at, and by the one that the address names. */
function useTagGroups({ query }: Route): readonly (readonly [Group, string])[] {
  const team = query.get('team');
  const { value } = useReading<TeamRecord>(team ? `/admin/teams/${encodeURIComponent(team)}` : null);
  const named = query.get('by') ?? '';
  const keys = new Set(team ? (value?.tag_keys ?? []) : []);
  if (named.startsWith('tag:')) keys.add(named.slice('tag:'.length));
  return [...keys].map((key) => [`tag:${key}`, `Tag ${key}`] as const);
}

/** What the view shows: answers that belong together. */
interface Report {
  /** The path of its rows. */
  of: string;
  range: Range;
  by: Group;
  rows: readonly UsageRow[];
  total: UsageRow | null;
  days: readonly UsageRow[];
  /** Null: there are too many groups for a chart by group. */
  daysBy: Group | null;
}

/** Reads a report. The one before stays until all of the next has come, so that no chart mixes the two. */
function useReport({ query }: Route, { range, by }: { range: Range; by: Group }) {
  const asked = { ...range, ...Object.fromEntries(filterNames.map((name) => [name, query.get(name)])) };
  const path = (groupBy: string | null): string => withQuery('/admin/usage', { ...asked, group_by: groupBy });
  const sums = useReading<Rows<UsageRow>>(path(by));
  const total = useReading<Rows<UsageRow>>(path(null));
  const rows = sums.of === path(by) ? (sums.value?.data ?? null) : null;
  const daysBy = rows && rows.length <= mostInChart ? by : null;
  // Of groups that are too many, the days would be any number of rows.
  const daysPath = rows && path(daysBy === null ? 'day' : `day,${daysBy}`);
  const days = useReading<Rows<UsageRow>>(daysPath);
  const last = useRef<Report | null>(null);
  if (rows && total.of === path(null) && days.of === daysPath) {
    const sum = total.value?.data[0] ?? null;
    last.current = { of: path(by), range, by, rows, total: sum, days: days.value?.data ?? [], daysBy };
  }
  const readings = [sums, total, days];
  const problem = readings.find((each) => each.problem !== null)?.problem ?? null;
  return {
    report: problem && last.current?.of !== path(by) ? null : last.current,
    problem,
    isLoading: readings.some((each) => each.isLoading),
    reload: () => readings.forEach((each) => each.reload()),
    csv: fileUrl(withQuery('/admin/usage', { ...asked, group_by: by, format: 'csv' })),
  };
}

/** Who used what, from day to day. */
export function Usage({ route }: { route: Route }): View {
  const { query } = route;
  const range = rangeOf(route, 29);
  const all = [...groups, ...useTagGroups(route)];
  const by = all.find(([name]) => name === query.get('by'))?.[0] ?? 'model';
  const figure = figures.find(([name]) => name === query.get('figure'))?.[0] ?? 'cost_usd';
  const { report, problem, isLoading, reload, csv } = useReport(route, { range, by });
  return html`<${Page}
    title="Usage"
    actions=${html`<a class="button" href=${csv} download>Download CSV</a>`}
    reload=${reload}
  >
    <div class="filters">
      <${RangeFilter} route=${route} range=${range} />
      <${ChoiceFilter} route=${route} name="by" label="By" options=${all} />
      <${ChoiceFilter} route=${route} name="figure" label="Figure" options=${figures} />
      <${TextFilter} route=${route} name="team" label="Team" />
      <${TextFilter} route=${route} name="user" label="User" />
      <${TextFilter} route=${route} name="token" label="Token" />
      <${TextFilter} route=${route} name="model" label="Model" />
      <${TextFilter} route=${route} name="end_user" label="End user" />
      <${TextFilter} route=${route} name="tag" label="Tag" />
    </div>
    <${Shown} isLoading=${isLoading} problem=${problem} hasValue=${report !== null} reload=${reload}>
      ${report && html`<${ReportView} report=${report} figure=${figure} />`}
    <//>
  <//>`;
}

function ReportView({ report, figure }: { report: Report; figure: FigureName }): View {
  const { range, by, rows, total, days, daysBy } = report;
  const sorted = rows.toSorted((a, b) => b[figure] - a[figure]);
  return html`<${Section} title=${`${labelOf(figure)} a day`}>
      <${StackedChart}
        label=${`${labelOf(figure)} a day, ${range.from} to ${range.to}`}
        unit="Day"
        labels=${daysIn(range).map((day) => day.slice(5))}
        series=${seriesOf(days, { range, by: daysBy, figure })}
        format=${figure === 'cost_usd' ? usd : compact}
      />
    <//>
    <${Section} title=${`By ${wordFor(by)}`}>
      <${Table}
        label=${`Usage by ${wordFor(by)}`}
        columns=${columnsFor(by, range)}
        rows=${sorted.slice(0, mostRows)}
        total=${total}
        none="Nothing was used in these days"
      />
      ${sorted.length > mostRows ? html`<p class="quiet">The first ${mostRows} of ${count(sorted.length)}. The CSV has all.</p>` : null}
    <//>`;
}

function wordFor(by: Group): string {
  return by.replace('tag:', 'tag ').replace('_', ' ');
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
    {
      title: groups.find(([name]) => name === by)?.[1] ?? wordFor(by),
      cell: (row) => nameIn(row, by, range),
    },
    figure('Requests', ({ requests }) => count(requests)),
    figure('Input tokens', ({ input_tokens: tokens }) => count(tokens)),
    figure('Output tokens', ({ output_tokens: tokens }) => count(tokens)),
    figure('Images', ({ images }) => count(images), true),
    figure('Errors', ({ errors }) => count(errors), true),
    figure('Cost', ({ cost_usd: cost }) => usd(cost)),
  ];
}

/** In place of names that a day has no room for. */
const otherNames = '(others)';

/** The name of a row, with a link to the requests behind it. A row of sums has none. */
function nameIn(row: UsageRow, by: Group, range: Range): unknown {
  const name = row[by];
  if (name === undefined) return 'All';
  const who = row.team === undefined ? {} : { team: row.team };
  if (name === null || name === otherNames) return html`<span class="quiet">${name ?? 'none'}</span>`;
  const filter = by.startsWith('tag:') ? { tag: `${by.slice('tag:'.length)}=${name}` } : { [by]: name };
  const href = hrefTo(['requests'], { ...range, ...who, ...filter });
  const team = by !== 'team' && row.team !== undefined ? html` <span class="quiet">${row.team}</span>` : null;
  return html`<a href=${href}>${name}</a>${team}`;
}
