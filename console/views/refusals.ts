import { fileUrl, type Page as Rows, withQuery } from '../api.ts';
import { useReading } from '../data.ts';
import { count } from '../format.ts';
import { html, type View } from '../html.ts';
import { ChoiceFilter, TextFilter } from '../parts/filters.ts';
import { Page } from '../parts/page.ts';
import { RangeFilter, rangeOf } from '../parts/range.ts';
import { Shown } from '../parts/state.ts';
import { type Column, Table } from '../parts/table.ts';
import { Time } from '../parts/time.ts';
import { hrefTo, type Route } from '../router.ts';

interface RefusalRow {
  team: string | null;
  user: string | null;
  code: string;
  model: string | null;
  limit: string | null;
  endpoint: string;
  refused: number;
  last_at: string | null;
}

const groupBy = 'team,user,endpoint,code,model,limit';
const mostRows = 200;

/** Whose requests were refused, why, and by which limit. */
export function Refusals({ route }: { route: Route }): View {
  const { query } = route;
  const range = rangeOf(route, 6);
  const asked = {
    ...range,
    team: query.get('team'),
    user: query.get('user'),
    code: query.get('code'),
    group_by: groupBy,
  };
  const { value, problem, isLoading, reload } = useReading<Rows<RefusalRow>>(
    withQuery('/admin/refusals', asked),
  );
  const total = useReading<Rows<{ refused: number }>>(
    withQuery('/admin/refusals', { ...asked, group_by: null }),
  );
  const again = (): void => {
    reload();
    total.reload();
  };
  const csv = fileUrl(withQuery('/admin/refusals', { ...asked, format: 'csv' }));
  const rows = (value?.data ?? []).toSorted((a, b) => b.refused - a.refused);
  return html`<${Page}
    title="Refusals"
    actions=${html`<a class="button" href=${csv} download>Download CSV</a>`}
    reload=${again}
  >
    <div class="filters">
      <${RangeFilter} route=${route} range=${range} />
      <${TextFilter} route=${route} name="team" label="Team" />
      <${TextFilter} route=${route} name="user" label="User" />
      <${ChoiceFilter} route=${route} name="code" label="Code" options=${codes} />
    </div>
    <${Shown} isLoading=${isLoading} problem=${problem} hasValue=${value !== null} reload=${again}>
      <p class="quiet">${count(total.value?.data[0]?.refused ?? 0)} refused in these days.</p>
      <div class="list">
        <${Table}
          label="Refusals"
          columns=${columns}
          rows=${rows.slice(0, mostRows)}
          none="Nothing was refused in these days"
        />
      </div>
      ${rows.length > mostRows ? html`<p class="quiet">The first ${mostRows} of ${count(rows.length)}. The CSV has all.</p>` : null}
    <//>
  <//>`;
}

const columns: Column<RefusalRow>[] = [
  {
    title: 'Whose',
    cell: ({ team, user }) =>
      team === null
        ? html`<span class="quiet">not known</span>`
        : html`${user === null ? '' : html`<a href=${hrefTo(['teams', team, 'users', user])}>${user}</a> `}<a
              class="quiet"
              href=${hrefTo(['teams', team])}
              >${team}</a
            >`,
  },
  { title: 'Why', cell: ({ code }) => html`<code>${code}</code>` },
  { title: 'Limit', cell: ({ limit }) => limit ?? '' },
  { title: 'Model', cell: ({ model }) => model ?? '', isExtra: true },
  { title: 'Endpoint', cell: ({ endpoint }) => endpoint, isExtra: true },
  { title: 'Refused', cell: ({ refused }) => count(refused), isFigure: true },
  { title: 'Last', cell: ({ last_at: at }) => html`<${Time} at=${at} relative />` },
];

const codes = [
  ['', 'any'],
  ...[
    'rate_limit_exceeded',
    'insufficient_quota',
    'model_not_allowed',
    'origin_not_allowed',
    'invalid_token',
    'revoked_token',
    'expired_token',
    'invalid_body',
    'suspended',
    'store_unavailable',
    'overloaded',
  ].map((code) => [code, code] as const),
] as const;
