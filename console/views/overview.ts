import { useReading } from '../data.ts';
import { bytes, compact, count, percent, usd } from '../format.ts';
import { html, type View } from '../html.ts';
import { StackedChart } from '../parts/chart.ts';
import { ChoiceFilter } from '../parts/filters.ts';
import { LimitBar } from '../parts/limits.ts';
import { Figure, Page, Section } from '../parts/page.ts';
import { Empty, Shown } from '../parts/state.ts';
import { Table } from '../parts/table.ts';
import { hrefTo, type Route } from '../router.ts';
import { mayChangeGateway, mayReadGateway, useSession } from '../session.ts';
import { modelColumns, type OverviewAnswer, refusalColumns, userColumns } from './overview-columns.ts';

const periods = [
  ['30d', 'Last 30 days'],
  ['7d', 'Last 7 days'],
  ['today', 'Today'],
  ['month', 'This month'],
] as const;

/** The first page: how the gateway is doing. */
export function Overview({ route }: { route: Route }): View {
  const period = route.query.get('period') ?? periods[0][0];
  const { value, problem, isLoading, reload } = useReading<OverviewAnswer>(
    `/admin/overview?period=${encodeURIComponent(period)}`,
  );
  const choice = html`<${ChoiceFilter}
    route=${route}
    name="period"
    label="Period (UTC)"
    options=${periods}
  />`;
  return html`<${Page} title="Overview" actions=${choice} reload=${reload}>
    <${Shown} isLoading=${isLoading} problem=${problem} hasValue=${value !== null} reload=${reload}>
      ${value && html`<${Content} value=${value} />`}
    <//>
  <//>`;
}

function Content({ value }: { value: OverviewAnswer }): View {
  const session = useSession();
  const { figures, series, period } = value;
  const range = { from: period.from, to: period.to };
  const isNew = figures.requests === 0 && figures.refused === 0;
  return html`
    ${
      isNew
        ? html`<${Empty} title="No requests in this period">
            ${mayChangeGateway(session) ? html`New here? <a href=${hrefTo(['start'])}>First steps</a> lead to a first answer.` : null}
          <//>`
        : null
    }
    <dl class="tiles">
      <${Figure}
        label="Requests"
        value=${count(figures.requests)}
        note=${`${count(figures.errors)} errors, ${count(figures.aborted)} aborted`}
      />
      <${Figure} label="Input tokens" value=${count(figures.input_tokens)} />
      <${Figure} label="Output tokens" value=${count(figures.output_tokens)} />
      <${Figure}
        label="Cost"
        value=${usd(figures.cost_usd)}
        note=${mayReadGateway(session) ? html`by the <a href=${hrefTo(['prices'])}>prices</a> that are known` : 'by the prices that are known'}
      />
      <${Figure}
        label="Refused"
        value=${count(figures.refused)}
        note=${html`<a href=${hrefTo(['refusals'], range)}>why</a>`}
      />
    </dl>
    ${
      series.length > 1
        ? html`<${Section} title="Requests a day">
            <${StackedChart}
              label=${`Requests a day, ${period.from} to ${period.to}`}
              unit="Day"
              labels=${series.map(({ day }) => day.slice(5))}
              series=${[
                { name: 'Answered', values: series.map(({ requests, errors }) => requests - errors) },
                { name: 'Errors', values: series.map(({ errors }) => errors) },
                { name: 'Refused', values: series.map(({ refused }) => refused) },
              ]}
              format=${compact}
            />
          <//>`
        : null
    }
    <div class="columns">
      <${Section} title="Limits nearest their end">
        ${
          value.limits.length === 0
            ? html`<${Empty} title="No limits"
                >Without limits, a token may use whatever the upstream gives.<//
              >`
            : html`<ul class="limits">
                ${value.limits.map(
                  (limit) =>
                    html`<${LimitBar}
                      limit=${limit}
                      whose=${limit.team === null ? 'of the gateway' : html`<a href=${hrefTo(['teams', limit.team])}>${limit.team}</a>`}
                    />`,
                )}
              </ul>`
        }
      <//>
      <div>
        <${Section} title="Refused, by reason">
          <${Table}
            label="Refusals by reason"
            columns=${refusalColumns(range)}
            rows=${value.refusals}
            none="Nothing was refused"
          />
        <//>
        ${value.upstreams ? html`<${State} value=${value} />` : null}
      </div>
      <${Section} title="Top users">
        <${Table}
          label="Top users"
          columns=${userColumns(range)}
          rows=${value.top_users}
          none="Nobody sent a request"
        />
      <//>
      <${Section} title="Top models">
        <${Table}
          label="Top models"
          columns=${modelColumns(range)}
          rows=${value.top_models}
          none="No model was used"
        />
      <//>
    </div>
  `;
}

function State({ value: { upstreams, store, records } }: { value: OverviewAnswer }): View {
  const broken = (upstreams ?? []).filter(({ circuit }) => circuit !== 'closed');
  return html`<${Section} title="State">
    <dl class="facts">
      <dt><a href=${hrefTo(['upstreams'])}>Upstreams</a></dt>
      <dd>
        ${upstreams?.length ?? 0} attached,
        ${broken.length === 0 ? html` <span class="mark good">none failing</span>` : html` <span class="mark bad">failing: ${broken.map(({ name }) => name).join(', ')}</span>`}
      </dd>
      ${
        store &&
        html`<dt>Store</dt>
          <dd>${storeText(store)}</dd>`
      }
      <dt>Records</dt>
      <dd>
        ${
          records && records.state !== 'off'
            ? html`<span class=${`mark ${records.state === 'on' ? 'good' : 'bad'}`}
                  >${records.state === 'on' ? 'kept' : records.state}</span
                >
                in Postgres`
            : html`<span class="mark">none</span> set <code>DATABASE_URL</code> to keep usage and audit for
                good`
        }
      </dd>
    </dl>
  <//>`;
}

function storeText({
  kind,
  used_bytes: used,
  max_bytes: max,
  entries,
}: NonNullable<OverviewAnswer['store']>): View {
  if (kind === 'memory') {
    return html`<span class="mark bad">in memory</span> everything is forgotten when the gateway stops`;
  }
  const share = max === null ? '' : ` of ${bytes(max)}, ${percent(used, max)}`;
  return html`${bytes(used)}${share}; ${count(entries)} entries of the ledger`;
}
