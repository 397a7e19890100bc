import { useState } from 'preact/hooks';
import { ask, withQuery } from '../api.ts';
import { useList } from '../data.ts';
import { html, type View } from '../html.ts';
import { Dialog } from '../parts/dialog.ts';
import { ChoiceFilter, TextFilter } from '../parts/filters.ts';
import { Field, Form, textOf } from '../parts/form.ts';
import { Page } from '../parts/page.ts';
import { type Column, ListTable } from '../parts/table.ts';
import { Time } from '../parts/time.ts';
import { goTo, hrefTo, type Route } from '../router.ts';
import { mayChangeGateway, useSession } from '../session.ts';
import type { TeamRecord } from './records.ts';
import { limitsInWords, SuspendedMark } from './records.ts';

const columns: Column<TeamRecord>[] = [
  {
    title: 'Team',
    cell: ({ id, suspended_at: at }) =>
      html`<a href=${hrefTo(['teams', id])}>${id}</a> <${SuspendedMark} at=${at} />`,
  },
  { title: 'Name', cell: ({ name }) => html`<bdi>${name ?? ''}</bdi>` },
  { title: 'Limits', cell: ({ limits }) => limitsInWords(limits), isExtra: true },
  { title: 'Made', cell: ({ created_at: at }) => html`<${Time} at=${at} />`, isExtra: true },
];

/** All teams that one may see. */
export function Teams({ route }: { route: Route }): View {
  const session = useSession();
  const [isMaking, setMaking] = useState(false);
  const { query } = route;
  const list = useList<TeamRecord>(withQuery('/admin/teams', { q: query.get('q'), sort: query.get('sort') }));
  const add = html`<button type="button" class="primary" onClick=${() => setMaking(true)}>New team</button>`;
  return html`<${Page} title="Teams" actions=${mayChangeGateway(session) ? add : null} reload=${list.reload}>
    <div class="filters">
      <${TextFilter} route=${route} name="q" label="Search" />
      <${ChoiceFilter} route=${route} name="sort" label="Order" options=${orders} />
    </div>
    <${ListTable}
      label="Teams"
      columns=${columns}
      list=${list}
      none=${query.get('q') ? 'No team matches' : 'No teams yet'}
      hint=${query.get('q') ? null : 'A team has users, who have tokens; its limits hold for all of them together.'}
    />
    ${isMaking && html`<${NewTeam} close=${() => setMaking(false)} />`}
  <//>`;
}

const orders = [
  ['id', 'By id'],
  ['-created_at', 'Newest first'],
  ['created_at', 'Oldest first'],
] as const;

function NewTeam({ close }: { close: () => void }): View {
  const send = (fields: FormData) =>
    ask<TeamRecord>('/admin/teams', {
      method: 'POST',
      body: { id: textOf(fields, 'id') ?? '', name: textOf(fields, 'name') ?? null },
    });
  return html`<${Dialog} title="New team" close=${close}>
    <${Form}
      action="Make the team"
      send=${send}
      done=${({ id }: TeamRecord) => goTo(hrefTo(['teams', id]))}
      cancel=${close}
    >
      <${Field}
        name="id"
        label="Id"
        required
        hint="Lowercase letters, digits and -, such as acme. It cannot be changed."
      />
      <${Field} name="name" label="Name" hint="For people. Optional." />
    <//>
  <//>`;
}
