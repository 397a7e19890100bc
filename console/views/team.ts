import { useState } from 'preact/hooks';
import { ask, withQuery } from '../api.ts';
import { useList, useReading } from '../data.ts';
import { html, type View } from '../html.ts';
import { Dialog, useConfirm } from '../parts/dialog.ts';
import { EditRecord } from '../parts/edit-record.ts';
import { TextFilter } from '../parts/filters.ts';
import { Field, Form, textOf } from '../parts/form.ts';
import { IssueToken } from '../parts/issue-token.ts';
import { notify } from '../parts/notice.ts';
import { Page, Section } from '../parts/page.ts';
import { PolicySection } from '../parts/policy.ts';
import { RecordLimits } from '../parts/record-limits.ts';
import { Shown } from '../parts/state.ts';
import { type Column, ListTable } from '../parts/table.ts';
import { Time } from '../parts/time.ts';
import { goTo, hrefTo, type Route } from '../router.ts';
import { mayChangeGateway, mayChangeMembers, useSession } from '../session.ts';
import { EndUserLimits, SuspendedEndUsers } from './end-users.ts';
import { limitsInWords, suspend, SuspendedMark, type TeamRecord, type UserRecord } from './records.ts';
import { TeamWebhooks } from './webhooks.ts';
import { tokenColumns, type TokenList, useTokens } from './token-list.ts';

/** A team: its limits and what is used of them, its users, its tokens, and what they may use. */
export function Team({ route, team: id }: { route: Route; team: string }): View {
  const session = useSession();
  const path = `/admin/teams/${encodeURIComponent(id)}`;
  const { value: team, etag, problem, isLoading, reload } = useReading<TeamRecord>(`${path}?usage=true`);
  const tokens = useTokens(id);
  const [isIssuing, setIssuing] = useState(false);
  const { asking, confirm } = useConfirm();
  const isOwner = mayChangeGateway(session);
  const isMembers = mayChangeMembers(session, id);
  const isSuspended = Boolean(team?.suspended_at);

  const remove = (): void =>
    confirm({
      title: `Delete ${id}?`,
      text: 'Its users and tokens go with it, and their requests are refused from the next one on. What they used stays in the ledger.',
      action: 'Delete the team',
      run: () => ask(path, { method: 'DELETE' }),
      done: () => {
        goTo(hrefTo(['teams']));
        notify({ text: `The team ${id} was deleted.` });
      },
    });
  const actions = html`
    ${isMembers ? html`<button type="button" class="primary" onClick=${() => setIssuing(true)}>Issue a token</button>` : null}
    ${
      isOwner
        ? html`<button type="button" onClick=${() => void suspend(path, isSuspended, reload)}>
              ${isSuspended ? 'Resume' : 'Suspend'}
            </button>
            ${team && html`<${EditRecord} path=${path} fields=${[{ name: 'name', label: 'Name', value: team.name }]} etag=${etag} reload=${reload} />`}
            <button type="button" class="danger" onClick=${remove}>Delete</button>`
        : null
    }
  `;
  return html`<${Page} title=${id} above=${[['Teams', hrefTo(['teams'])]]} actions=${actions}>
    ${asking}
    <${Shown} isLoading=${isLoading} problem=${problem} hasValue=${team !== null} reload=${reload}>
      ${
        team &&
        html`<p class="quiet">
            <bdi>${team.name ?? ''}</bdi> <${SuspendedMark} at=${team.suspended_at} /> Made
            <${Time} at=${team.created_at} />. <a href=${hrefTo(['usage'], { team: id })}>Usage</a> ·
            <a href=${hrefTo(['requests'], { team: id })}>Requests</a> ·
            <a href=${hrefTo(['refusals'], { team: id })}>Refusals</a>
          </p>
          <${RecordLimits}
            path=${path}
            limits=${team.limits}
            raises=${team.raises ?? null}
            etag=${etag}
            mayChange=${isOwner}
            reload=${reload}
            title="Limits of the team"
          />
          <${Users} route=${route} team=${id} mayChange=${isMembers} />
          <${Tokens} list=${tokens} />
          <${TeamWebhooks} team=${id} mayChange=${isMembers} />
          <${PolicySection}
            path=${path}
            record=${team}
            etag=${etag}
            mayChange=${isOwner}
            reload=${reload}
            of="team"
          />
          <${EndUserLimits}
            path=${path}
            limits=${team.end_user_limits}
            etag=${etag}
            mayChange=${isOwner}
            reload=${reload}
          />
          <${SuspendedEndUsers}
            path=${path}
            list=${team.suspended_end_users}
            mayChange=${isMembers}
            reload=${reload}
          />`
      }
    <//>
    ${isIssuing && html`<${IssueToken} team=${id} close=${() => setIssuing(false)} done=${tokens.reload} />`}
  <//>`;
}

function Tokens({ list }: { list: TokenList }): View {
  return html`<${Section} title="Tokens">
    <${ListTable}
      label="Tokens of the team"
      columns=${tokenColumns({ withTeam: false })}
      list=${list}
      none="No tokens yet"
      hint="Issue one: its holder calls the models with it."
    />
  <//>`;
}

const userColumns: Column<UserRecord>[] = [
  {
    title: 'User',
    cell: ({ id, team, suspended_at: at }) =>
      html`<a href=${hrefTo(['teams', team, 'users', id])}>${id}</a> <${SuspendedMark} at=${at} />`,
  },
  { title: 'Name', cell: ({ name }) => html`<bdi>${name ?? ''}</bdi>` },
  { title: 'E-mail', cell: ({ email }) => email ?? '', isExtra: true },
  { title: 'Limits', cell: ({ limits }) => limitsInWords(limits), isExtra: true },
];

function Users({ route, team, mayChange }: { route: Route; team: string; mayChange: boolean }): View {
  const [isMaking, setMaking] = useState(false);
  const path = `/admin/teams/${encodeURIComponent(team)}/users`;
  const list = useList<UserRecord>(withQuery(path, { q: route.query.get('user') }));
  const add = html`<button type="button" onClick=${() => setMaking(true)}>New user</button>`;
  const send = (fields: FormData) =>
    ask<UserRecord>(path, {
      method: 'POST',
      body: {
        id: textOf(fields, 'id') ?? '',
        name: textOf(fields, 'name') ?? null,
        email: textOf(fields, 'email') ?? null,
      },
    });
  const made = ({ id }: UserRecord): void => {
    setMaking(false);
    list.reload();
    notify({ text: `The user ${id} was made. Issue a token for them next.` });
  };
  return html`<${Section} title="Users" actions=${mayChange ? add : null}>
    <div class="filters"><${TextFilter} route=${route} name="user" label="Search users" /></div>
    <${ListTable}
      label="Users of the team"
      columns=${userColumns}
      list=${list}
      none="No users"
      hint="Tokens are issued to users."
    />
    ${
      isMaking &&
      html`<${Dialog} title="New user" close=${() => setMaking(false)}>
        <${Form} action="Make the user" send=${send} done=${made} cancel=${() => setMaking(false)}>
          <${Field}
            name="id"
            label="Id"
            required
            hint="Lowercase letters, digits and -, such as ana. It cannot be changed."
          />
          <${Field} name="name" label="Name" />
          <${Field} name="email" label="E-mail" type="email" />
        <//>
      <//>`
    }
  <//>`;
}
