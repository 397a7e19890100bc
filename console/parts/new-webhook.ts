import { useState } from 'preact/hooks';
import { ask } from '../api.ts';
import { html, type View } from '../html.ts';
import { said } from '../../src/base/event-says.ts';
import { Secret, Snippet } from './copy.ts';
import { Dialog } from './dialog.ts';
import { Choice, Field, Form, textOf } from './form.ts';

/** A webhook as the API shows it. */
export interface Webhook {
  id: string;
  team: string | null;
  name: string | null;
  url: string;
  format: 'standard' | 'slack';
  /** Null: all types. */
  events: string[] | null;
  state: 'ok' | 'failing' | 'disabled';
  failing_since: string | null;
  waiting: number;
  old_secret_expires_at: string | null;
  created_at: string;
  disabled_at: string | null;
  disabled_because: string | null;
}

export interface IssuedWebhook extends Webhook {
  secret: string | null;
}

/** The types that a webhook may ask for: a test is sent to whichever is tried. */
export function typesFor(team: string | null): [type: string, says: string][] {
  return Object.entries(said)
    .filter(([type, { of }]) => type !== 'webhook.test' && (team === null || of !== 'gateway'))
    .map(([type, { says }]) => [type, says]);
}

const formats = [
  ['', 'by the address: text for Slack, Discord and Teams, else JSON'],
  ['standard', 'JSON, signed by Standard Webhooks'],
  ['slack', 'a line of text, for a chat'],
] as const;

interface NewWebhookProps {
  /** The collection. */
  path: string;
  team: string | null;
  close: () => void;
  done: () => void;
}

/** Has events sent to an address. */
export function NewWebhook({ path, team, close, done }: NewWebhookProps): View {
  const [made, setMade] = useState<IssuedWebhook | null>(null);
  const send = (fields: FormData) =>
    ask<IssuedWebhook>(path, {
      method: 'POST',
      body: {
        url: textOf(fields, 'url') ?? '',
        name: textOf(fields, 'name') ?? null,
        format: textOf(fields, 'format') ?? null,
        events: chosenTypes(fields),
      },
    });
  const isMade = (webhook: IssuedWebhook): void => {
    setMade(webhook);
    done();
  };
  return html`<${Dialog}
    title=${made === null ? 'New webhook' : 'The webhook is made'}
    isSticky=${made !== null}
    close=${close}
  >
    ${
      made === null
        ? html`<${Form} action="Make the webhook" send=${send} done=${isMade} cancel=${close}>
            <${Field}
              name="url"
              label="Address"
              type="url"
              required
              placeholder="https://"
              hint="Where events are sent. Of a chat: its incoming webhook."
            />
            <${Field} name="name" label="Name" hint="For people, such as on-call." />
            <${Choice} name="format" label="Written as" options=${formats} />
            <${Types} team=${team} chosen=${null} />
          <//>`
        : html`<${SecretOfWebhook} secret=${made.secret} close=${close} />`
    }
  <//>`;
}

/** The types of events to send: all, or those that are chosen. */
export function Types({ team, chosen }: { team: string | null; chosen: string[] | null }): View {
  const [isAll, setAll] = useState(chosen === null);
  return html`<fieldset class="types">
    <legend>Events</legend>
    <label
      ><input type="checkbox" name="all" checked=${isAll} onChange=${() => setAll(!isAll)} /> All, also those
      that later versions tell</label
    >
    ${
      isAll
        ? null
        : html`<ul>
            ${typesFor(team).map(
              ([type, says]) =>
                html`<li>
                  <label
                    ><input
                      type="checkbox"
                      name="events"
                      value=${type}
                      checked=${chosen?.includes(type) ?? false}
                    />
                    <code>${type}</code></label
                  >
                  <small>${says}</small>
                </li>`,
            )}
          </ul>`
    }
  </fieldset>`;
}

/** What `Types` says: null for all of them. */
export function chosenTypes(fields: FormData): string[] | null {
  if (fields.get('all') !== null) return null;
  return fields.getAll('events').filter((type) => typeof type === 'string');
}

/** What signs the events of a webhook, this once, and how a receiver checks it. */
export function SecretOfWebhook({ secret, close }: { secret: string | null; close: () => void }): View {
  return html`${
      secret === null
        ? html`<p>
            What is sent to a chat is not signed: its address is what nobody else may know. Send a test to see
            whether it arrives.
          </p>`
        : html`<${Secret} text=${secret}
              >Copy it now: it is not shown again. A receiver checks with it who has sent an event.<//
            >
            <p class="quiet">Of the body as it came; this throws if the signature is wrong:</p>
            <${Snippet} code=${receiver} label="A receiver" />`
    }
    <p class="actions"><button type="button" class="primary" onClick=${close}>Done</button></p>`;
}

/** As docs/webhooks.md has it, where a test runs it. */
const receiver = `import { Webhook } from 'standardwebhooks';

const webhook = new Webhook(process.env.WEBHOOK_SECRET);
const event = webhook.verify(body, headers);`;
