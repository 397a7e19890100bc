import { useState } from 'preact/hooks';
import { chatModelsIn } from '../chat.ts';
import { ask, type Page as Rows, withQuery } from '../api.ts';
import { useList, useReading } from '../data.ts';
import { compact, count, dayBefore, milliseconds, usd } from '../format.ts';
import { html, type View } from '../html.ts';
import { StackedChart } from '../parts/chart.ts';
import { useConfirm } from '../parts/dialog.ts';
import { LimitBars, type ShownLimit } from '../parts/limits.ts';
import { notify } from '../parts/notice.ts';
import { Page, Section } from '../parts/page.ts';
import { RotateOwn } from '../parts/rotate-own.ts';
import { Snippets } from '../parts/snippets.ts';
import { Shown } from '../parts/state.ts';
import { type Column, ListTable } from '../parts/table.ts';
import { Time } from '../parts/time.ts';
import { hrefTo } from '../router.ts';
import { daysIn, seriesOf, type UsageRow } from '../usage-series.ts';
import { allowed } from './records.ts';

interface Me {
  token: {
    id: string;
    name: string | null;
    /** Empty: it stands for an account at a provider, and has no secret. */
    prefix: string;
    models: string[] | null;
    endpoints: string[] | null;
    origins: string[] | null;
    tools: string[] | null;
    expires_at: string | null;
  };
  user: { id: string; name: string | null };
  team: { id: string; name: string | null };
  limits: ShownLimit[];
}

interface OwnEntry {
  id: string;
  time: string;
  endpoint: string;
  model: string;
  outcome: string;
  error_code: string | null;
  input_tokens: number;
  output_tokens: number;
  cost_usd: number | null;
  duration_ms: number;
}

/** The page of a token's holder: what is left, what was used, and how to call. */
export function MyPage(): View {
  const me = useReading<Me>('/v1/me');
  const models = useReading<{ data: { id: string }[] }>('/v1/models');
  const [isRotating, setRotating] = useState(false);
  const { asking, confirm } = useConfirm();
  const endSessions = (): void =>
    confirm({
      title: 'End the sessions of web pages?',
      text: 'Every session (tgs_…) made with this token ends at once. Pages that use one need a new one. You stay signed in here.',
      action: 'End them',
      run: () => ask('/v1/sessions?all=true', { method: 'DELETE' }),
      done: () => notify({ text: 'The sessions have ended.' }),
    });
  const { value } = me;
  const hasSecret = value !== null && value.token.prefix !== '';
  const actions = html`<a class="button primary" href=${hrefTo(['playground'])}>Playground</a>
    ${hasSecret ? html`<button type="button" onClick=${() => setRotating(true)}>New secret</button>` : null}
    <button type="button" onClick=${endSessions}>End page sessions</button>`;
  const [model] = chatModelsIn((models.value?.data ?? []).map(({ id }) => id));
  return html`<${Page} title="My page" actions=${actions}>
    ${asking}
    <${Shown} isLoading=${me.isLoading} problem=${me.problem} hasValue=${value !== null} reload=${me.reload}>
      ${
        value &&
        html`<p class="quiet">
            ${whatIs(value)} of ${value.user.name ?? value.user.id} in the team ${value.team.id}. It
            ${value.token.expires_at === null ? 'never expires' : html`expires <${Time} at=${value.token.expires_at} />`}.
          </p>
          <div class="columns">
            <${Section}
              title="What is left"
              actions=${html`<button type="button" onClick=${me.reload}>Read again</button>`}
            >
              <${LimitBars} limits=${value.limits} none="No limits hold for this token" />
            <//>
            <${Section} title="What the token may use">
              <dl class="facts">
                <dt>Models</dt>
                <dd>${models.value ? models.value.data.map(({ id }) => html`<code>${id}</code> `) : '…'}</dd>
                <dt>Endpoints</dt>
                <dd>${allowed(value.token.endpoints)}</dd>
                <dt>Works from</dt>
                <dd>
                  ${allowed(value.token.origins, 'programs, and the web pages that the gateway allows')}
                </dd>
              </dl>
            <//>
          </div>
          <${OwnUsage} />
          ${
            hasSecret &&
            html`<${Section} title="Call it">
              <${Snippets} model=${model ?? 'a-model'} />
            <//>`
          }
          <${OwnRequests} />`
      }
    <//>
    ${isRotating && html`<${RotateOwn} close=${() => setRotating(false)} />`}
  <//>`;
}

function whatIs({ token: { prefix, name } }: Me): View | string {
  if (prefix === '') return 'The account';
  return html`<span>The token <code>${prefix}…</code>${name ? html` (<bdi>${name}</bdi>)` : null}</span>`;
}

function OwnUsage(): View {
  const range = { from: dayBefore(Date.now(), 29), to: dayBefore(Date.now(), 0) };
  const { value, problem, isLoading, reload } = useReading<Rows<UsageRow>>(
    withQuery('/v1/me/usage', { ...range, group_by: 'day,model' }),
  );
  return html`<${Section} title="Your requests in the last 30 days">
    <${Shown} isLoading=${isLoading} problem=${problem} hasValue=${value !== null} reload=${reload}>
      <${StackedChart}
        label="Your requests a day, by model"
        unit="Day"
        labels=${daysIn(range).map((day) => day.slice(5))}
        series=${seriesOf(value?.data ?? [], { range, by: 'model', figure: 'requests' })}
        format=${compact}
      />
    <//>
  <//>`;
}

const columns: Column<OwnEntry>[] = [
  { title: 'Time', cell: ({ time }) => html`<${Time} at=${time} seconds />` },
  { title: 'Model', cell: ({ model }) => model },
  { title: 'Endpoint', cell: ({ endpoint }) => endpoint, isExtra: true },
  {
    title: 'Outcome',
    cell: ({ outcome, error_code: code }) =>
      html`<span class=${`mark ${outcome === 'ok' ? 'good' : 'bad'}`}>${outcome}</span>
        <span class="quiet">${code ?? ''}</span>`,
  },
  { title: 'Tokens in', cell: ({ input_tokens: tokens }) => count(tokens), isFigure: true, isExtra: true },
  { title: 'Tokens out', cell: ({ output_tokens: tokens }) => count(tokens), isFigure: true, isExtra: true },
  { title: 'Cost', cell: ({ cost_usd: cost }) => (cost === null ? 'unpriced' : usd(cost)), isFigure: true },
  { title: 'Took', cell: ({ duration_ms: ms }) => milliseconds(ms), isFigure: true, isExtra: true },
];

function OwnRequests(): View {
  const list = useList<OwnEntry>('/v1/me/requests', 20);
  return html`<${Section} title="Your latest requests">
    <${ListTable} label="Your requests" columns=${columns} list=${list} none="No requests yet" />
  <//>`;
}
