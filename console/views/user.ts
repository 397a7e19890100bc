import { useState } from 'preact/hooks';
import { ask } from '../api.ts';
import { useReading } from '../data.ts';
import { html, type View } from '../html.ts';
import { useConfirm } from '../parts/dialog.ts';
import { EditRecord } from '../parts/edit-record.ts';
import { IssueToken } from '../parts/issue-token.ts';
import { notify } from '../parts/notice.ts';
import { Page, Section } from '../parts/page.ts';
import { RecordLimits } from '../parts/record-limits.ts';
import { Shown } from '../parts/state.ts';
import { ListTable } from '../parts/table.ts';
import { Time } from '../parts/time.ts';
import { goTo, hrefTo } from '../router.ts';
import { mayChangeMembers, useSession } from '../session.ts';
import { suspend, SuspendedMark, type UserRecord } from './records.ts';
import { tokenColumns, useTokens } from './token-list.ts';

/** A user: limits, tokens, and what can be done. */
export function UserView({ team, user: id }: { team: string; user: string }): View {
  const session = useSession();
  const path = `/admin/teams/${encodeURIComponent(team)}/users/${encodeURIComponent(id)}`;
  const { value: user, etag, problem, isLoading, reload } = useReading<UserRecord>(`${path}?usage=true`);
  const tokens = useTokens(team, id);
  const [isIssuing, setIssuing] = useState(false);
  const { asking, confirm } = useConfirm();
  const mayChange = mayChangeMembers(session, team);
  const isSuspended = Boolean(user?.suspended_at);
  const remove = (): void =>
    confirm({
      title: `Delete ${id}?`,
      text: "The user's tokens go too, and their requests are refused from the next one on. What they used stays in the ledger.",
      action: 'Delete the user',
      run: () => ask(path, { method: 'DELETE' }),
      done: () => {
        goTo(hrefTo(['teams', team]));
        notify({ text: `The user ${id} was deleted.` });
      },
    });
  const actions = html`<button type="button" class="primary" onClick=${() => setIssuing(true)}>
      Issue a token
    </button>
    <button type="button" onClick=${() => void suspend(path, isSuspended, reload)}>
      ${isSuspended ? 'Resume' : 'Suspend'}
    </button>
    ${user && html`<${EditRecord} path=${path} fields=${fieldsOf(user)} etag=${etag} reload=${reload} />`}
    <button type="button" class="danger" onClick=${remove}>Delete</button>`;
  const above = [
    ['Teams', hrefTo(['teams'])],
    [team, hrefTo(['teams', team])],
  ];
  return html`<${Page} title=${id} above=${above} actions=${mayChange ? actions : null}>
    ${asking}
    <${Shown} isLoading=${isLoading} problem=${problem} hasValue=${user !== null} reload=${reload}>
      ${
        user &&
        html`<p class="quiet">
            <bdi>${user.name ?? ''}</bdi> ${user.email ?? ''}
            <${SuspendedMark} at=${user.suspended_at} /> Made <${Time} at=${user.created_at} />.
            <a href=${hrefTo(['usage'], { team, user: id })}>Usage</a> ·
            <a href=${hrefTo(['requests'], { team, user: id })}>Requests</a>
          </p>
          <${RecordLimits}
            path=${path}
            limits=${user.limits}
            raises=${user.raises ?? null}
            etag=${etag}
            mayChange=${mayChange}
            reload=${reload}
            title="Limits of the user"
          />
          <${Section} title="Tokens">
            <${ListTable}
              label="Tokens of the user"
              columns=${tokenColumns({ withTeam: false })}
              list=${tokens}
              none="No tokens yet"
            />
          <//>`
      }
    <//>
    ${isIssuing && html`<${IssueToken} team=${team} user=${id} close=${() => setIssuing(false)} done=${tokens.reload} />`}
  <//>`;
}

function fieldsOf({ name, email }: UserRecord) {
  return [
    { name: 'name', label: 'Name', value: name },
    { name: 'email', label: 'E-mail', value: email, type: 'email' },
  ];
}
