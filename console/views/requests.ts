import { useState } from 'preact/hooks';
import { fileUrl, withQuery } from '../api.ts';
import { useList } from '../data.ts';
import { count, milliseconds, usd } from '../format.ts';
import { html, type View } from '../html.ts';
import { Dialog } from '../parts/dialog.ts';
import { ChoiceFilter, TextFilter } from '../parts/filters.ts';
import { Page } from '../parts/page.ts';
import { RangeFilter, rangeOf } from '../parts/range.ts';
import { type Column, ListTable } from '../parts/table.ts';
import { Time } from '../parts/time.ts';
import { hrefTo, type Route } from '../router.ts';

/** An entry of the ledger; it has more fields than the list shows. */
interface Entry {
  id: string;
  request_id: string;
  time: string;
  team: string;
  user: string;
  token_id: string;
  endpoint: string;
  model: string;
  status: number;
  outcome: 'ok' | 'error' | 'aborted' | 'lost';
  error_code: string | null;
  input_tokens: number;
  output_tokens: number;
  cost_usd: number | null;
  usage: string;
  duration_ms: number;
  ttfb_ms: number | null;
  [more: string]: unknown;
}

const filterNames = [
  'team',
  'user',
  'token',
  'model',
  'endpoint',
  'outcome',
  'session',
  'end_user',
  'tag',
] as const;

/** Every request that was admitted, newest first. */
export function Requests({ route }: { route: Route }): View {
  const { query } = route;
  const [shown, setShown] = useState<Entry | null>(null);
  const range = rangeOf(route, 29);
  const asked = { ...range, ...Object.fromEntries(filterNames.map((name) => [name, query.get(name)])) };
  const list = useList<Entry>(withQuery('/admin/requests', asked));
  const csv = fileUrl(withQuery('/admin/requests', { ...asked, format: 'csv' }));
  const columns: Column<Entry>[] = [
    {
      title: 'Time',
      cell: (entry) =>
        html`<button type="button" class="plain" aria-haspopup="dialog" onClick=${() => setShown(entry)}>
          <${Time} at=${entry.time} seconds />
        </button>`,
    },
    {
      title: 'Who',
      cell: ({ team, user }) =>
        html`<a href=${hrefTo(['teams', team, 'users', user])}>${user}</a>
          <span class="quiet">${team}</span>`,
    },
    { title: 'Model', cell: ({ model }) => model },
    { title: 'Outcome', cell: (entry) => html`<${OutcomeMark} entry=${entry} />` },
    { title: 'Tokens in', cell: ({ input_tokens: tokens }) => count(tokens), isFigure: true, isExtra: true },
    {
      title: 'Tokens out',
      cell: ({ output_tokens: tokens }) => count(tokens),
      isFigure: true,
      isExtra: true,
    },
    { title: 'Cost', cell: ({ cost_usd: cost }) => (cost === null ? 'unpriced' : usd(cost)), isFigure: true },
    { title: 'Took', cell: ({ duration_ms: ms }) => milliseconds(ms), isFigure: true, isExtra: true },
  ];
  return html`<${Page}
    title="Requests"
    actions=${html`<a class="button" href=${csv} download>Download CSV</a>`}
    reload=${list.reload}
  >
    <div class="filters">
      <${RangeFilter} route=${route} range=${range} />
      <${ChoiceFilter} route=${route} name="outcome" label="Outcome" options=${outcomes} />
      <${TextFilter} route=${route} name="team" label="Team" />
      <${TextFilter} route=${route} name="user" label="User" />
      <${TextFilter} route=${route} name="token" label="Token" />
      <${TextFilter} route=${route} name="model" label="Model" />
      <${TextFilter} route=${route} name="end_user" label="End user" />
      <${TextFilter} route=${route} name="tag" label="Tag" />
    </div>
    <${ListTable}
      label="Requests"
      columns=${columns}
      list=${list}
      none="No request matches"
      hint="The gateway keeps no prompts and no answers."
    />
    ${shown && html`<${Detail} entry=${shown} close=${() => setShown(null)} />`}
  <//>`;
}

const outcomes = [
  ['', 'any'],
  ['ok', 'ok'],
  ['error', 'error'],
  ['aborted', 'aborted'],
  ['lost', 'lost'],
] as const;

function OutcomeMark({ entry: { outcome, error_code: code, status } }: { entry: Entry }): View {
  return html`<span class=${`mark ${outcome === 'ok' ? 'good' : 'bad'}`}>${outcome}</span>
    ${outcome === 'ok' ? null : html` <span class="quiet">${code ?? status}</span>`}`;
}

/** Every field of an entry, by the names that the API has for them. */
function Detail({ entry, close }: { entry: Entry; close: () => void }): View {
  const { team, user, token_id: token } = entry;
  return html`<${Dialog} title="A request" close=${close}>
    <dl class="facts">
      ${Object.entries(entry).map(
        ([name, value]) =>
          html`<dt>${name}</dt>
            <dd>${shownAs(name, value)}</dd>`,
      )}
    </dl>
    <p>
      <a href=${hrefTo(['teams', team, 'tokens', token])} onClick=${close}>The token</a> ·
      <a href=${hrefTo(['teams', team, 'users', user])} onClick=${close}>the user</a> ·
      <a href=${hrefTo(['teams', team])} onClick=${close}>the team</a>
    </p>
    <p class="actions"><button type="button" onClick=${close}>Close</button></p>
  <//>`;
}

function shownAs(name: string, value: unknown): unknown {
  if (value === null) return html`<span class="quiet">none</span>`;
  if (name === 'time') return html`<${Time} at=${value} seconds />`;
  if (name === 'cost_usd' && typeof value === 'number')
    return `$${value.toLocaleString('en-US', { maximumFractionDigits: 9 })}`;
  if (name.endsWith('_ms') && typeof value === 'number') return milliseconds(value);
  if (typeof value === 'number') return count(value);
  return typeof value === 'string' ? value : JSON.stringify(value);
}
