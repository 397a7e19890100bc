import { useState } from 'preact/hooks';
import { ask } from '../api.ts';
import { useList } from '../data.ts';
import { html, type View } from '../html.ts';
import { Secret } from '../parts/copy.ts';
import { Dialog, useConfirm } from '../parts/dialog.ts';
import { Choice, Field, Form, listOf, textOf } from '../parts/form.ts';
import { notify } from '../parts/notice.ts';
import { Page } from '../parts/page.ts';
import { type Column, ListTable } from '../parts/table.ts';
import { Time } from '../parts/time.ts';

interface Administrator {
  id: string;
  name: string | null;
  role: string;
  teams: string[] | null;
  prefix: string;
  expires_at: string | null;
  created_at: string;
}

/** Those who administer besides the holder of ADMIN_KEY. */
export function Administrators(): View {
  const list = useList<Administrator>('/admin/admins');
  const [isMaking, setMaking] = useState(false);
  const { asking, confirm } = useConfirm();
  const remove = ({ id, name }: Administrator): void =>
    confirm({
      title: `Revoke ${name ?? id}?`,
      text: 'The token is refused from the next request on, and sessions of the console that were opened with it end.',
      action: 'Revoke',
      run: () => ask(`/admin/admins/${id}`, { method: 'DELETE' }),
      done: () => {
        list.reload();
        notify({ text: 'The administrator was revoked.' });
      },
    });
  const columns: Column<Administrator>[] = [
    {
      title: 'Administrator',
      cell: ({ id, prefix }) => html`<code>${id}</code> <span class="quiet">${prefix}…</span>`,
    },
    { title: 'Name', cell: ({ name }) => html`<bdi>${name ?? ''}</bdi>` },
    { title: 'Role', cell: ({ role }) => role },
    { title: 'Teams', cell: ({ teams }) => (teams === null ? 'all' : teams.join(', ')) },
    {
      title: 'Expires',
      cell: ({ expires_at: at }) => html`<${Time} at=${at} none="never" />`,
      isExtra: true,
    },
    {
      title: 'Actions',
      cell: (each) =>
        html`<button
          type="button"
          class="plain"
          aria-label=${`Revoke ${each.name ?? each.id}`}
          onClick=${() => remove(each)}
        >
          Revoke
        </button>`,
    },
  ];
  const add = html`<button type="button" class="primary" onClick=${() => setMaking(true)}>
    New administrator
  </button>`;
  return html`<${Page} title="Administrators" actions=${add}>
    ${asking}
    <${ListTable}
      label="Administrators"
      columns=${columns}
      list=${list}
      none="Only the holder of ADMIN_KEY"
      hint="Give others a token of their own: the audit trail then tells them apart."
    />
    ${isMaking && html`<${NewAdministrator} close=${() => setMaking(false)} done=${list.reload} />`}
  <//>`;
}

const roles = [
  ['admin', 'admin: everything but administrators and backups'],
  ['team-admin', 'team-admin: the members of some teams'],
  ['auditor', 'auditor: reads, changes nothing'],
] as const;

function NewAdministrator({ close, done }: { close: () => void; done: () => void }): View {
  const [token, setToken] = useState<string | null>(null);
  const send = (fields: FormData) => {
    const days = textOf(fields, 'days');
    return ask<{ token: string }>('/admin/admins', {
      method: 'POST',
      body: {
        name: textOf(fields, 'name') ?? null,
        role: textOf(fields, 'role'),
        teams: listOf(fields, 'teams') ?? null,
        ...(days === undefined ? {} : { expires_in: Number(days) * 86_400 }),
      },
    });
  };
  const made = (answer: { token: string }): void => {
    setToken(answer.token);
    done();
  };
  return html`<${Dialog}
    title=${token === null ? 'New administrator' : 'The administrator is made'}
    isSticky=${token !== null}
    close=${close}
  >
    ${
      token === null
        ? html`<${Form} action="Make the administrator" send=${send} done=${made} cancel=${close}>
            <${Field} name="name" label="Name" hint="For people, such as Ana." />
            <${Choice} name="role" label="Role" options=${roles} value="team-admin" />
            <${Field}
              name="teams"
              label="Teams"
              hint="Ids with commas between them. Needed for a team-admin; not for an admin."
            />
            <${Field} name="days" label="Expires after days" type="number" hint="Empty: never." />
          <//>`
        : html`<${Secret} text=${token}
              >Copy it now: it is not shown again. It signs in here, and works in place of ADMIN_KEY.<//
            >
            <p class="actions"><button type="button" class="primary" onClick=${close}>Done</button></p>`
    }
  <//>`;
}
