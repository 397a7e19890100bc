import { useState } from 'preact/hooks';
import { ask } from '../api.ts';
import { html, type View } from '../html.ts';
import { Dialog } from '../parts/dialog.ts';
import { Field, Form, textOf } from '../parts/form.ts';
import type { NewLimit } from '../parts/limit-form.ts';
import type { ShownLimit } from '../parts/limits.ts';
import { Section } from '../parts/page.ts';
import { RecordLimits } from '../parts/record-limits.ts';
import { Empty } from '../parts/state.ts';
import { type Column, Table } from '../parts/table.ts';
import { Time } from '../parts/time.ts';
import { suspend, type SuspendedEndUser } from './records.ts';

interface EndUserLimitsProps {
  /** The path of the team, the token or the settings that have them. */
  path: string;
  limits: readonly ShownLimit[] | null | undefined;
  etag: string | null;
  mayChange: boolean;
  reload: () => void;
}

/** What each end user may use over all of their sessions. */
export function EndUserLimits({ limits, ...props }: EndUserLimitsProps): View {
  return html`<${RecordLimits}
    ...${props}
    limits=${limits ?? []}
    title="Limits of each end user"
    none="An end user is whom a session is made for. With a limit here, their sessions share it."
    removed="What was used of it counts again if you add it within the same minute, hour, day or month."
    bodyOf=${(list: readonly NewLimit[]) => ({ end_user_limits: list })}
  />`;
}

interface SuspendedEndUsersProps {
  /** The path of the team. */
  path: string;
  list: readonly SuspendedEndUser[] | null | undefined;
  mayChange: boolean;
  reload: () => void;
}

/** The end users of a team who are suspended, to suspend one more and to resume one. */
export function SuspendedEndUsers({ path, list, mayChange, reload }: SuspendedEndUsersProps): View {
  const [isAsking, setAsking] = useState(false);
  const close = (): void => setAsking(false);
  const pathOf = (name: string): string => `${path}/end-users/${encodeURIComponent(name)}`;
  const resume: Column<SuspendedEndUser> = {
    title: '',
    cell: ({ end_user: name }) =>
      html`<button type="button" class="plain" onClick=${() => void suspend(pathOf(name), true, reload)}>
        Resume
      </button>`,
  };
  const send = (fields: FormData) =>
    ask(`${pathOf(textOf(fields, 'end_user') ?? '')}/suspend`, { method: 'POST' });
  const done = (): void => {
    close();
    reload();
  };
  const add = html`<button type="button" onClick=${() => setAsking(true)}>Suspend an end user</button>`;
  return html`<${Section} title="Suspended end users" actions=${mayChange ? add : null}>
    ${
      list && list.length > 0
        ? html`<${Table}
            label="Suspended end users of the team"
            columns=${mayChange ? [...columns, resume] : columns}
            rows=${list}
          />`
        : html`<${Empty} title="Nobody is suspended">Requests of a suspended end user are refused.<//>`
    }
    ${
      isAsking &&
      html`<${Dialog} title="Suspend an end user" close=${close}>
        <${Form} action="Suspend" send=${send} done=${done} cancel=${close}>
          <${Field}
            name="end_user"
            label="End user"
            required
            hint="As sessions name them. Their next request is refused, and so is making a session for them."
          />
        <//>
      <//>`
    }
  <//>`;
}

const columns: Column<SuspendedEndUser>[] = [
  { title: 'End user', cell: ({ end_user: name }) => html`<bdi>${name}</bdi>` },
  { title: 'Suspended', cell: ({ suspended_at: at }) => html`<${Time} at=${at} />` },
];
