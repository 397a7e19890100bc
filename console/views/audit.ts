import { useState } from 'preact/hooks';
import { ask, type Answer, fileUrl, type Page as Rows, withQuery } from '../api.ts';
import { useList, useReading } from '../data.ts';
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
import { useSession } from '../session.ts';

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
  reported_url?: string | null;
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
  const names = useAdministratorNames();
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
    {
      title: 'Who',
      cell: ({ actor }) =>
        html`<span title=${actor}>${names.get(actor) ?? html`<code>${actor}</code>`}</span>`,
    },
    { title: 'What', cell: ({ operation }) => operation },
    { title: 'Whose', cell: ({ team, id }) => whose(team, id) },
    { title: 'Changed', cell: ({ before, after }) => changedFields(before, after).join(', '), isExtra: true },
  ];
  return html`<${Page}
    title="Audit"
    actions=${html`<${Verify} /><a class="button" href=${csv} download>Download CSV</a>`}
    reload=${list.reload}
  >
    <div class="filters">
      <${RangeFilter} route=${route} range=${range} />
      <${TextFilter} route=${route} name="team" label="Team" />
      <${TextFilter} route=${route} name="actor" label="Who (full id)" />
      <${TextFilter} route=${route} name="operation" label="What (full name)" />
    </div>
    <${ListTable} label="Changes" columns=${columns} list=${list} none="No change matches" />
    ${shown && html`<${Change} entry=${shown} close=${() => setShown(null)} />`}
  <//>`;
}

/** The names of administrators by their ids. Only root may read them; for others there are the ids. */
function useAdministratorNames(): ReadonlyMap<string, string> {
  const { role } = useSession();
  const { value } = useReading<Rows<{ id: string; name: string | null }>>(
    role === 'root' ? '/admin/admins' : null,
  );
  return new Map((value?.data ?? []).flatMap(({ id, name }) => (name === null ? [] : [[id, name] as const])));
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
    reported_url: found,
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
      ${
        found === undefined
          ? null
          : html`<dt>Found at</dt>
              <dd><code>${found ?? '–'}</code></dd>`
      }
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
  intact: boolean;
  complete: boolean;
  entries: number;
  erased: number;
  head: { sequence: number; hash: string } | null;
  flaw: { sequence: number; kind: string; why: string } | null;
  copies: { compared: number; differences: { id: string; kind: string }[]; problem: string | null };
}

/** Has the gateway check the chain of the trail, and its copies in Postgres. */
function Verify(): View {
  const [answer, setAnswer] = useState<Answer<Verification> | null>(null);
  const [isAsking, setAsking] = useState(false);
  const verify = async (): Promise<void> => {
    setAsking(true);
    setAnswer(await ask<Verification>('/admin/audit/verify'));
    setAsking(false);
  };
  const close = (): void => setAnswer(null);
  return html`<button type="button" disabled=${isAsking} onClick=${() => void verify()}>
      ${isAsking ? 'Verifying…' : 'Verify'}
    </button>
    ${
      answer &&
      html`<${Dialog} title="The audit trail" close=${close}>
        ${answer.ok ? html`<${Verified} value=${answer.value} />` : html`<${Failure} problem=${answer.problem} />`}
        <p class="actions"><button type="button" onClick=${close}>Close</button></p>
      <//>`
    }`;
}

function Verified({ value }: { value: Verification }): View {
  const { intact, complete, entries, erased, head, flaw, copies } = value;
  const differing = copies.differences.length;
  return html`<p>
      <span class=${`mark ${intact && differing === 0 ? 'good' : 'bad'}`}>
        ${intact && differing === 0 ? 'intact' : 'not intact'}
      </span>
      ${count(entries)} entries were checked.
      ${complete ? null : 'Older ones were not: tollgate audit verify checks all of them.'}
    </p>
    <dl class="facts">
      ${
        flaw &&
        html`<dt>Flaw</dt>
          <dd>Entry ${count(flaw.sequence)} was ${flaw.kind}: ${flaw.why}.</dd>`
      }
      ${
        erased > 0
          ? html`<dt>Erased</dt>
              <dd>${count(erased)} entries no longer name a person who was erased.</dd>`
          : null
      }
      <dt>Postgres</dt>
      <dd>
        ${copies.problem ?? (differing === 0 ? `${count(copies.compared)} copies say the same.` : `${count(differing)} copies differ.`)}
      </dd>
      ${
        head &&
        html`<dt>Newest</dt>
          <dd>Entry ${count(head.sequence)}, <code>${head.hash}</code></dd>`
      }
    </dl>
    <p class="quiet">
      The gateway has checked itself. With the heads that it writes to its log, tollgate audit verify --heads
      finds out from outside whether the newest entries were dropped.
    </p>`;
}
