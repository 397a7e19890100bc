import { useState } from 'preact/hooks';
import { ask, type Answer, fileUrl, type Problem, withQuery } from '../api.ts';
import { useList } from '../data.ts';
import { count } from '../format.ts';
import { html, type View } from '../html.ts';
import { Dialog } from '../parts/dialog.ts';
import { TextFilter } from '../parts/filters.ts';
import { Page } from '../parts/page.ts';
import { RangeFilter, rangeOf } from '../parts/range.ts';
import { Failure } from '../parts/state.ts';
import { type Column, ListTable, Table } from '../parts/table.ts';
import { Time } from '../parts/time.ts';
import { hrefTo, type Route } from '../router.ts';

interface AuditEntry {
  sequence: number;
  time: string;
  actor: string;
  address: string | null;
  request_id: string | null;
  operation: string;
  kind: string;
  team: string | null;
  id: string | null;
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
  hash: string;
  erased?: true;
  unreadable?: true;
}

/** Who changed what, newest first. */
export function Audit({ route }: { route: Route }): View {
  const { query } = route;
  const [shown, setShown] = useState<AuditEntry | null>(null);
  const range = rangeOf(route, 89);
  const asked = {
    ...range,
    team: query.get('team'),
    actor: query.get('actor'),
    operation: query.get('operation'),
  };
  const list = useList<AuditEntry>(withQuery('/admin/audit', asked));
  const csv = fileUrl(withQuery('/admin/audit', { ...asked, format: 'csv' }));
  const columns: Column<AuditEntry>[] = [
    {
      title: 'Time',
      cell: (entry) =>
        entry.unreadable
          ? html`<span class="mark bad">altered</span>`
          : html`<button type="button" class="plain" aria-haspopup="dialog" onClick=${() => setShown(entry)}>
              <${Time} at=${entry.time} seconds />
            </button>`,
    },
    { title: 'Who', cell: ({ actor }) => html`<code>${actor}</code>` },
    { title: 'What', cell: ({ operation }) => operation },
    { title: 'Whose', cell: ({ team, id }) => whose(team, id) },
    { title: 'Changed', cell: ({ before, after }) => changedFields(before, after).join(', '), isExtra: true },
  ];
  return html`<${Page}
    title="Audit"
    actions=${html`<${Verify} /><a class="button" href=${csv} download>Download CSV</a>`}
  >
    <div class="filters">
      <${RangeFilter} route=${route} range=${range} />
      <${TextFilter} route=${route} name="team" label="Team" />
      <${TextFilter} route=${route} name="actor" label="Who (exactly)" />
      <${TextFilter} route=${route} name="operation" label="What (exactly)" />
    </div>
    <${ListTable} label="Changes" columns=${columns} list=${list} none="No change matches" />
    ${shown && html`<${Change} entry=${shown} close=${() => setShown(null)} />`}
  <//>`;
}

function whose(team: string | null, id: string | null): unknown {
  if (team === null) return id ?? 'the gateway';
  return html`<a href=${hrefTo(['teams', team])}>${team}</a>${id !== null && id !== team ? ` / ${id}` : ''}`;
}

/** The fields that a change has before or after it. Pure. */
export function changedFields(
  before: Record<string, unknown> | null,
  after: Record<string, unknown> | null,
): string[] {
  return [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])];
}

/** One change: each field before and after it. */
function Change({ entry, close }: { entry: AuditEntry; close: () => void }): View {
  const {
    sequence,
    time,
    actor,
    address,
    request_id: request,
    operation,
    before,
    after,
    hash,
    erased,
  } = entry;
  const columns: Column<string>[] = [
    { title: 'Field', cell: (field) => html`<code>${field}</code>` },
    { title: 'Before', cell: (field) => html`<code>${textOf(before?.[field])}</code>` },
    { title: 'After', cell: (field) => html`<code>${textOf(after?.[field])}</code>` },
  ];
  return html`<${Dialog} title=${operation} close=${close}>
    <dl class="facts">
      <dt>When</dt>
      <dd><${Time} at=${time} seconds /></dd>
      <dt>Who</dt>
      <dd><code>${actor}</code>${address === null ? '' : ` from ${address}`}</dd>
      <dt>Request</dt>
      <dd>${request ?? '–'}</dd>
      <dt>Sequence</dt>
      <dd>${count(sequence)}</dd>
      <dt>Hash</dt>
      <dd><code>${hash}</code></dd>
    </dl>
    ${erased ? html`<p class="hint">A person was erased: what named them is gone from this entry.</p>` : null}
    <${Table}
      label="Fields before and after"
      columns=${columns}
      rows=${changedFields(before, after)}
      none="No field changed"
    />
    <p class="actions"><button type="button" onClick=${close}>Close</button></p>
  <//>`;
}

function textOf(value: unknown): string {
  return value === undefined ? '–' : JSON.stringify(value);
}

interface Verification {
  ok?: boolean;
  [more: string]: unknown;
}

/** Compares the trail in the store with that in Postgres. */
function Verify(): View {
  const [answer, setAnswer] = useState<Answer<Verification> | null>(null);
  const [isAsking, setAsking] = useState(false);
  const verify = async (): Promise<void> => {
    setAsking(true);
    setAnswer(await ask<Verification>('/admin/records/audit'));
    setAsking(false);
  };
  const close = (): void => setAnswer(null);
  return html`<button type="button" disabled=${isAsking} onClick=${() => void verify()}>
      ${isAsking ? 'Verifying…' : 'Verify'}
    </button>
    ${
      answer &&
      html`<${Dialog} title="The audit trail" close=${close}>
        ${answer.ok ? html`<${Verified} value=${answer.value} />` : html`<${Failure} problem=${answer.problem satisfies Problem} />`}
        <p class="actions"><button type="button" onClick=${close}>Close</button></p>
      <//>`
    }`;
}

function Verified({ value }: { value: Verification }): View {
  return html`<dl class="facts">
    ${Object.entries(value).map(
      ([name, each]) =>
        html`<dt>${name}</dt>
          <dd>${typeof each === 'string' ? each : JSON.stringify(each)}</dd>`,
    )}
  </dl>`;
}
