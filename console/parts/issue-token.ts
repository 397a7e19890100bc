import { useState } from 'preact/hooks';
import { ask } from '../api.ts';
import { html, type View } from '../html.ts';
import type { IssuedToken } from '../views/records.ts';
import { Secret } from './copy.ts';
import { Dialog } from './dialog.ts';
import { Choice, Field, Form, listOf, tagsOf, textOf } from './form.ts';
import { Time } from './time.ts';

interface IssueTokenProps {
  team: string;
  /** The user it is for; absent: to be said. */
  user?: string;
  close: () => void;
  done: () => void;
}

const lifetimes = [
  ['7776000', '90 days'],
  ['2592000', '30 days'],
  ['31536000', 'a year'],
  ['', 'until it is revoked'],
] as const;

/** Issues a token: as a link that its holder opens, or as text. */
export function IssueToken({ team, user, close, done }: IssueTokenProps): View {
  const [issued, setIssued] = useState<IssuedToken | null>(null);
  const send = (fields: FormData) => {
    const models = listOf(fields, 'models');
    const origins = listOf(fields, 'origins');
    const tags = tagsOf(fields, 'tags');
    const livesS = textOf(fields, 'expires_in');
    return ask<IssuedToken>(`/admin/teams/${encodeURIComponent(team)}/tokens`, {
      method: 'POST',
      body: {
        user: user ?? textOf(fields, 'user') ?? '',
        name: textOf(fields, 'name') ?? null,
        claim: textOf(fields, 'handover') !== 'text',
        ...(livesS === undefined ? {} : { expires_in: Number(livesS) }),
        ...(models ? { models } : {}),
        ...(origins ? { origins } : {}),
        ...(tags ? { tags } : {}),
      },
    });
  };
  const made = (token: IssuedToken): void => {
    setIssued(token);
    done();
  };
  return html`<${Dialog}
    title=${issued ? 'The token is made' : `Issue a token in ${team}`}
    isSticky=${issued !== null}
    close=${close}
  >
    ${
      issued
        ? html`<${HandedOver} issued=${issued} close=${close} />`
        : html`<${Form} action="Issue" send=${send} done=${made} cancel=${close}>
            ${user === undefined ? html`<${Field} name="user" label="User" required hint="The id of a user of this team." />` : null}
            <${Field} name="name" label="Name" hint="What it is for, such as laptop. Optional." />
            <${Choice}
              name="handover"
              label="Hand it over"
              options=${[
                ['link', 'by a link that shows it once'],
                ['text', 'as text, here and now'],
              ]}
            />
            <${Choice} name="expires_in" label="It works" options=${lifetimes} />
            <details>
              <summary>Restrict it</summary>
              <${Field}
                name="models"
                label="Only these models"
                hint="Ids with commas between them. Empty: those of the team."
              />
              <${Field}
                name="origins"
                label="Only from these web pages"
                hint="Origins such as https://app.example.com. Empty: the gateway's ALLOWED_ORIGINS, and programs."
              />
              <${Field}
                name="tags"
                label="Tags of all its requests"
                hint="Such as project=x. The team says which there may be."
              />
            </details>
          <//>`
    }
  <//>`;
}

/** The token's text or link: shown this once. */
export function HandedOver({ issued, close }: { issued: IssuedToken; close: () => void }): View {
  const { id, user, team, token, claim_url: link, claim_expires_at: until, warnings = [] } = issued;
  return html`
    ${
      link
        ? html`<${Secret} text=${link}
            >Send this link to ${user}. It shows the token once, and works until <${Time} at=${until} />.<//
          >`
        : html`<${Secret} text=${token ?? ''}>Copy it now: it is not shown again.<//>`
    }
    ${warnings.map((warning) => html`<p class="hint">${warning}</p>`)}
    <p class="quiet">It is the token <code>${id}</code> of ${user} in ${team}.</p>
    <p class="actions"><button type="button" class="primary" onClick=${close}>Done</button></p>
  `;
}
