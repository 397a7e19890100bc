import { useState } from 'preact/hooks';
import { ask } from '../api.ts';
import { useReading } from '../data.ts';
import { html, type View } from '../html.ts';
import { Dialog, useConfirm } from '../parts/dialog.ts';
import { EditRecord } from '../parts/edit-record.ts';
import { Choice, Form, textOf } from '../parts/form.ts';
import { HandedOver } from '../parts/issue-token.ts';
import { notify } from '../parts/notice.ts';
import { Page, Section } from '../parts/page.ts';
import { PolicySection } from '../parts/policy.ts';
import { RecordLimits } from '../parts/record-limits.ts';
import { Shown } from '../parts/state.ts';
import { type Column, Table } from '../parts/table.ts';
import { Time } from '../parts/time.ts';
import { hrefTo } from '../router.ts';
import { mayChangeMembers, useSession } from '../session.ts';
import { EndUserLimits } from './end-users.ts';
import type { IssuedToken, TokenRecord, TokenSecret } from './records.ts';

const secretColumns: Column<TokenSecret>[] = [
  { title: 'Secret', cell: ({ prefix }) => html`<code>${prefix}…</code>` },
  { title: 'Made', cell: ({ created_at: at }) => html`<${Time} at=${at} />` },
  { title: 'Last used', cell: ({ last_used_at: at }) => html`<${Time} at=${at} none="never" relative />` },
  {
    title: 'Handed over',
    cell: ({ link_made_at: made, link_opened_at: opened }) => {
      if (opened) return html`link opened <${Time} at=${opened} />`;
      return made ? html`link made <${Time} at=${made} />, not opened` : 'as text';
    },
  },
  { title: 'Ends', cell: ({ expires_at: at }) => html`<${Time} at=${at} none="the newest" />` },
];

/** How long an old secret still counts beside the new one. */
export const overlaps = [
  ['86400', 'for a day'],
  ['3600', 'for an hour'],
  ['604800', 'for a week'],
  ['0', 'not at all'],
] as const;

/** A token: its secrets and when each was used, its limits and its policy. */
export function TokenView({ team, id }: { team: string; id: string }): View {
  const session = useSession();
  const path = `/admin/teams/${encodeURIComponent(team)}/tokens/${encodeURIComponent(id)}`;
  const { value: token, etag, problem, isLoading, reload } = useReading<TokenRecord>(`${path}?usage=true`);
  const [isRotating, setRotating] = useState(false);
  const { asking, confirm } = useConfirm();
  const mayChange = mayChangeMembers(session, team) && token !== null && token.revoked_at === null;
  const revoke = (): void =>
    confirm({
      title: 'Revoke this token?',
      text: 'Its next request is refused, everywhere. Streams that are running go on. It cannot be taken back.',
      action: 'Revoke',
      run: () => ask(path, { method: 'DELETE' }),
      done: () => {
        reload();
        notify({ text: 'The token was revoked.' });
      },
    });
  const actions = html`<button type="button" onClick=${() => setRotating(true)}>Rotate</button>
    ${token && html`<${EditRecord} path=${path} fields=${fieldsOf(token)} etag=${etag} reload=${reload} />`}
    <button type="button" class="danger" onClick=${revoke}>Revoke</button>`;
  const above = [
    ['Teams', hrefTo(['teams'])],
    [team, hrefTo(['teams', team])],
  ];
  return html`<${Page} title=${token?.name ?? id} above=${above} actions=${mayChange ? actions : null}>
    ${asking}
    <${Shown} isLoading=${isLoading} problem=${problem} hasValue=${token !== null} reload=${reload}>
      ${
        token &&
        html`<p class="quiet">
            <code>${id}</code> of <a href=${hrefTo(['teams', team, 'users', token.user])}>${token.user}</a>,
            made <${Time} at=${token.created_at} />.
            ${token.revoked_at ? html`<span class="mark bad">${token.revoked_because === 'leaked' ? 'revoked: leaked' : 'revoked'}</span> <${Time} at=${token.revoked_at} />` : html`Expires <${Time} at=${token.expires_at} none="never" />.`}
            <a href=${hrefTo(['usage'], { team, token: id })}>Usage</a> ·
            <a href=${hrefTo(['requests'], { team, token: id })}>Requests</a>
          </p>
          <${Section} title="Secrets">
            <${Table} label="Secrets of the token" columns=${secretColumns} rows=${token.secrets} />
          <//>
          <${RecordLimits}
            path=${path}
            limits=${token.limits}
            raises=${token.raises ?? null}
            etag=${etag}
            mayChange=${mayChange}
            reload=${reload}
            title="Limits of the token"
          />
          <${PolicySection}
            path=${path}
            record=${token}
            etag=${etag}
            mayChange=${mayChange}
            reload=${reload}
            of="token"
          />
          <${EndUserLimits}
            path=${path}
            limits=${token.end_user_limits}
            etag=${etag}
            mayChange=${mayChange}
            reload=${reload}
          />`
      }
    <//>
    ${isRotating && html`<${Rotate} path=${path} close=${() => setRotating(false)} done=${reload} />`}
  <//>`;
}

function Rotate({ path, close, done }: { path: string; close: () => void; done: () => void }): View {
  const [issued, setIssued] = useState<IssuedToken | null>(null);
  const send = (fields: FormData) =>
    ask<IssuedToken>(`${path}/rotate`, {
      method: 'POST',
      body: {
        overlap_seconds: Number(textOf(fields, 'overlap')),
        claim: textOf(fields, 'handover') !== 'text',
      },
    });
  const rotated = (token: IssuedToken): void => {
    setIssued(token);
    done();
  };
  return html`<${Dialog}
    title=${issued ? 'The new secret' : 'Rotate the token'}
    isSticky=${issued !== null}
    close=${close}
  >
    ${
      issued
        ? html`<${HandedOver} issued=${issued} close=${close} />`
        : html`<${Form} action="Rotate" send=${send} done=${rotated} cancel=${close}>
            <p>The token gets a new secret. Limits, policy and records stay.</p>
            <${Choice} name="overlap" label="The old secret still works" options=${overlaps} />
            <${Choice}
              name="handover"
              label="Hand it over"
              options=${[
                ['link', 'by a link that shows it once'],
                ['text', 'as text, here and now'],
              ]}
            />
          <//>`
    }
  <//>`;
}

function fieldsOf({ name, expires_at: expires }: TokenRecord) {
  return [
    { name: 'name', label: 'Name', value: name },
    {
      name: 'expires_at',
      label: 'Expires',
      value: expires,
      hint: 'A time such as 2027-01-31T00:00:00Z. Empty: never.',
    },
  ];
}
