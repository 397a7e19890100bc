import { useState } from 'preact/hooks';
import { ask } from '../api.ts';
import { useReading } from '../data.ts';
import { count, milliseconds } from '../format.ts';
import { html, type View } from '../html.ts';
import { Dialog, useConfirm } from '../parts/dialog.ts';
import { Choice, Field, Form, textOf } from '../parts/form.ts';
import {
  chosenTypes,
  type IssuedWebhook,
  SecretOfWebhook,
  Types,
  type Webhook,
} from '../parts/new-webhook.ts';
import { notify } from '../parts/notice.ts';
import { Page, Section } from '../parts/page.ts';
import { Shown } from '../parts/state.ts';
import { type Column, Table } from '../parts/table.ts';
import { Time } from '../parts/time.ts';
import { goTo, hrefTo } from '../router.ts';
import { mayChangeGateway, mayChangeMembers, useSession } from '../session.ts';
import { overlaps } from './token.ts';
import { hostOf, StateMark, webhooksPath } from './webhooks.ts';

/** A line of the delivery log. */
interface Delivery {
  time: string;
  event: string;
  type: string;
  try: number;
  outcome: 'delivered' | 'retry' | 'given_up' | 'dropped' | 'test_delivered' | 'test_failed';
  status: number | null;
  error: string | null;
  duration_ms: number;
  next_at: string | null;
  events: number;
}

interface Deliveries {
  data: Delivery[];
  waiting: number;
}

/** A webhook: whether what is sent is taken, what was sent, and what one may do about it. */
export function WebhookView({ team, id }: { team: string | null; id: string }): View {
  const session = useSession();
  const path = `${webhooksPath(team)}/${encodeURIComponent(id)}`;
  const { value: webhook, etag, problem, isLoading, reload } = useReading<Webhook>(path);
  const log = useReading<Deliveries>(`${path}/deliveries`);
  const mayChange = team === null ? mayChangeGateway(session) : mayChangeMembers(session, team);
  const both = (): void => {
    reload();
    log.reload();
  };
  const above =
    team === null
      ? [['Webhooks', hrefTo(['webhooks'])]]
      : [
          ['Teams', hrefTo(['teams'])],
          [team, hrefTo(['teams', team])],
        ];
  const actions =
    webhook && mayChange
      ? html`<${Actions} path=${path} webhook=${webhook} etag=${etag} reload=${both} />`
      : null;
  return html`<${Page} title=${webhook?.name ?? id} above=${above} actions=${actions} reload=${both}>
    <${Shown} isLoading=${isLoading} problem=${problem} hasValue=${webhook !== null} reload=${reload}>
      ${webhook && html`<${Facts} webhook=${webhook} />`}
      <${Section} title="What was sent">
        <${Shown}
          isLoading=${log.isLoading}
          problem=${log.problem}
          hasValue=${log.value !== null}
          reload=${log.reload}
        >
          <${Table}
            label="What was sent"
            columns=${deliveryColumns}
            rows=${log.value?.data ?? []}
            none="Nothing was sent yet"
          />
        <//>
      <//>
    <//>
  <//>`;
}

function Facts({ webhook }: { webhook: Webhook }): View {
  const { id, url, format, events, waiting, disabled_because: because } = webhook;
  return html`<${Section} title="Where it is sent">
    <dl class="facts">
      <dt>State</dt>
      <dd>
        <${StateMark} of=${webhook} />
        ${because ? html` ${because} <${Time} at=${webhook.disabled_at} />` : null}
        ${webhook.state === 'failing' ? html` since <${Time} at=${webhook.failing_since} />` : null}
      </dd>
      <dt>Id</dt>
      <dd><code>${id}</code></dd>
      <dt>Address</dt>
      <dd><code>${url}</code></dd>
      <dt>Written as</dt>
      <dd>${format === 'slack' ? 'a line of text, for a chat' : 'JSON, signed by Standard Webhooks'}</dd>
      <dt>Events</dt>
      <dd>${events?.join(', ') ?? 'all'}</dd>
      <dt>Waiting</dt>
      <dd>${count(waiting)}</dd>
      ${
        webhook.old_secret_expires_at
          ? html` <dt>Old secret signs too</dt>
              <dd>until <${Time} at=${webhook.old_secret_expires_at} /></dd>`
          : null
      }
    </dl>
  <//>`;
}

const outcomes = {
  delivered: ['good', 'delivered'],
  retry: ['near', 'failed, is tried again'],
  given_up: ['bad', 'given up'],
  dropped: ['bad', 'dropped: too many waited'],
  test_delivered: ['good', 'test delivered'],
  test_failed: ['bad', 'test failed'],
} as const;

const deliveryColumns: Column<Delivery>[] = [
  { title: 'Time', cell: ({ time }) => html`<${Time} at=${time} seconds />` },
  { title: 'Type', cell: ({ type, event }) => html`<code title=${event}>${type}</code>` },
  { title: 'Try', cell: (line) => count(line.try), isFigure: true },
  {
    title: 'Outcome',
    cell: ({ outcome, events }) => {
      const [kind, text] = outcomes[outcome];
      return html`<span class=${`mark ${kind}`}>${text}</span
        >${events > 1 ? ` ${count(events)} events` : ''}`;
    },
  },
  { title: 'Answer', cell: ({ status, error }) => status ?? error?.replaceAll('_', ' ') ?? '' },
  { title: 'Took', cell: ({ duration_ms: took }) => milliseconds(took), isFigure: true, isExtra: true },
  { title: 'Next try', cell: ({ next_at: at }) => at && html`<${Time} at=${at} seconds />` },
];

interface ActionsProps {
  path: string;
  webhook: Webhook;
  etag: string | null;
  reload: () => void;
}

function Actions({ path, webhook, etag, reload }: ActionsProps): View {
  const [open, setOpen] = useState<'edit' | 'rotate' | null>(null);
  const [isTesting, setTesting] = useState(false);
  const { asking, confirm } = useConfirm();
  const close = (): void => setOpen(null);
  const test = async (): Promise<void> => {
    setTesting(true);
    const answer = await ask<Delivery>(`${path}/test`, { method: 'POST' });
    setTesting(false);
    notify(answer.ok ? testSaid(answer.value) : { text: answer.problem.message, isBad: true });
    reload();
  };
  const enable = async (): Promise<void> => {
    const answer = await ask(`${path}/enable`, { method: 'POST', etag });
    notify(answer.ok ? { text: 'Events are sent again.' } : { text: answer.problem.message, isBad: true });
    reload();
  };
  const remove = (): void =>
    confirm({
      title: `Delete ${webhook.name ?? webhook.id}?`,
      text: `What waits to be sent to it is not sent: ${count(webhook.waiting)} events.`,
      action: 'Delete the webhook',
      run: () => ask(path, { method: 'DELETE' }),
      done: () => {
        goTo(webhook.team === null ? hrefTo(['webhooks']) : hrefTo(['teams', webhook.team]));
        notify({ text: 'The webhook was deleted.' });
      },
    });
  return html`${asking}
    ${webhook.state === 'disabled' ? html`<button type="button" class="primary" onClick=${() => void enable()}>Enable</button>` : null}
    <button type="button" disabled=${isTesting} onClick=${() => void test()}>
      ${isTesting ? 'Sending…' : 'Send a test'}
    </button>
    <button type="button" onClick=${() => setOpen('edit')}>Edit</button>
    ${webhook.format === 'standard' ? html`<button type="button" onClick=${() => setOpen('rotate')}>Rotate</button>` : null}
    <button type="button" class="danger" onClick=${remove}>Delete</button>
    ${open === 'edit' && html`<${Edit} path=${path} webhook=${webhook} etag=${etag} close=${close} done=${reload} />`}
    ${open === 'rotate' && html`<${Rotate} path=${path} close=${close} done=${reload} />`}`;
}

function testSaid({ outcome, status, error }: Delivery): { text: string; isBad?: boolean } {
  const why = status === null ? (error ?? '').replaceAll('_', ' ') : `the answer was ${status}`;
  if (outcome === 'test_delivered') return { text: `The test was taken: ${why}.` };
  return { text: `The test was not taken: ${why}.`, isBad: true };
}

type DialogOfOne = Pick<ActionsProps, 'path'> & { close: () => void; done: () => void };

function Edit({
  path,
  webhook,
  etag,
  close,
  done,
}: DialogOfOne & Pick<ActionsProps, 'webhook' | 'etag'>): View {
  const send = (fields: FormData) =>
    ask(path, {
      method: 'PATCH',
      etag,
      body: { url: textOf(fields, 'url'), name: textOf(fields, 'name') ?? null, events: chosenTypes(fields) },
    });
  const changed = (): void => {
    close();
    done();
    notify({ text: 'The webhook was changed.' });
  };
  return html`<${Dialog} title=${`Edit ${hostOf(webhook.url)}`} close=${close}>
    <${Form} action="Save" send=${send} done=${changed} cancel=${close}>
      <${Field} name="url" label="Address" type="url" required value=${webhook.url} />
      <${Field} name="name" label="Name" value=${webhook.name ?? ''} />
      <${Types} team=${webhook.team} chosen=${webhook.events} />
    <//>
  <//>`;
}

function Rotate({ path, close, done }: DialogOfOne): View {
  const [made, setMade] = useState<IssuedWebhook | null>(null);
  const send = (fields: FormData) =>
    ask<IssuedWebhook>(`${path}/rotate`, {
      method: 'POST',
      body: { overlap_seconds: Number(textOf(fields, 'overlap')) },
    });
  const rotated = (webhook: IssuedWebhook): void => {
    setMade(webhook);
    done();
  };
  return html`<${Dialog}
    title=${made ? 'The new secret' : 'Rotate the secret'}
    isSticky=${made !== null}
    close=${close}
  >
    ${
      made
        ? html`<${SecretOfWebhook} secret=${made.secret} close=${close} />`
        : html`<${Form} action="Rotate" send=${send} done=${rotated} cancel=${close}>
            <p>
              Events are signed with a new secret. Until the old one ends, with both: a receiver takes either.
            </p>
            <${Choice} name="overlap" label="The old secret signs too" options=${overlaps} />
          <//>`
    }
  <//>`;
}
