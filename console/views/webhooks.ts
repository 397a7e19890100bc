import { useState } from 'preact/hooks';
import type { Page as Rows } from '../api.ts';
import { useReading } from '../data.ts';
import { count } from '../format.ts';
import { html, type View } from '../html.ts';
import { NewWebhook, type Webhook } from '../parts/new-webhook.ts';
import { Page, Section } from '../parts/page.ts';
import { Empty, Shown } from '../parts/state.ts';
import { type Column, Table } from '../parts/table.ts';
import { hrefTo } from '../router.ts';
import { mayChangeGateway, useSession } from '../session.ts';

/** Where events of the gateway and of all teams are sent. */
export function Webhooks(): View {
  const [isMaking, setMaking] = useState(false);
  const mayChange = mayChangeGateway(useSession());
  const add = html`<button type="button" class="primary" onClick=${() => setMaking(true)}>
    New webhook
  </button>`;
  return html`<${Page} title="Webhooks" actions=${mayChange ? add : null}>
    <p class="quiet">
      Events of the gateway and of all teams are sent here, such as a limit that is nearly used up. A team's
      own are on the team's page.
    </p>
    <${List} team=${null} isMaking=${isMaking} close=${() => setMaking(false)} />
  <//>`;
}

/** Where events of one team are sent. */
export function TeamWebhooks({ team, mayChange }: { team: string; mayChange: boolean }): View {
  const [isMaking, setMaking] = useState(false);
  const add = html`<button type="button" onClick=${() => setMaking(true)}>New webhook</button>`;
  return html`<${Section} title="Webhooks" actions=${mayChange ? add : null}>
    <${List} team=${team} isMaking=${isMaking} close=${() => setMaking(false)} />
  <//>`;
}

/** The collection of a team, or of the gateway. */
export function webhooksPath(team: string | null): string {
  return team === null ? '/admin/webhooks' : `/admin/teams/${encodeURIComponent(team)}/webhooks`;
}

function hrefOf({ team, id }: Webhook): string {
  return hrefTo(team === null ? ['webhooks', id] : ['teams', team, 'webhooks', id]);
}

const columns: Column<Webhook>[] = [
  { title: 'Webhook', cell: (each) => html`<a href=${hrefOf(each)}>${each.name ?? each.id}</a>` },
  { title: 'Sends to', cell: ({ url }) => html`<code>${hostOf(url)}</code>` },
  { title: 'State', cell: (each) => html`<${StateMark} of=${each} />` },
  { title: 'Events', cell: ({ events }) => events?.join(', ') ?? 'all', isExtra: true },
  { title: 'Waiting', cell: ({ waiting }) => count(waiting), isFigure: true },
];

interface ListProps {
  team: string | null;
  isMaking: boolean;
  close: () => void;
}

function List({ team, isMaking, close }: ListProps): View {
  const path = webhooksPath(team);
  const { value, problem, isLoading, reload } = useReading<Rows<Webhook>>(path);
  const label = team === null ? 'Webhooks' : 'Webhooks of the team';
  return html`<${Shown} isLoading=${isLoading} problem=${problem} hasValue=${value !== null} reload=${reload}>
      ${
        value?.data.length === 0
          ? html`<${Empty} title="No webhooks">Make one to be told when something needs you.<//>`
          : html`<div class="list">
              <${Table} label=${label} columns=${columns} rows=${value?.data ?? []} />
            </div>`
      }
    <//>
    ${isMaking && html`<${NewWebhook} path=${path} team=${team} close=${close} done=${reload} />`}`;
}

/** Whether what is sent is taken. */
export function StateMark({ of: { state } }: { of: Webhook }): View {
  const kind = { ok: 'good', failing: 'near', disabled: 'bad' }[state];
  return html`<span class=${`mark ${kind}`}>${state}</span>`;
}

export function hostOf(url: string): string {
  return URL.parse(url)?.host ?? url;
}
