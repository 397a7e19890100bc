import { useState } from 'preact/hooks';
import { ask } from '../api.ts';
import { html, type View } from '../html.ts';
import { Secret } from './copy.ts';
import { Dialog } from './dialog.ts';
import { Choice, Form, textOf } from './form.ts';
import { Time } from './time.ts';

const overlaps = [
  ['86400', 'for a day'],
  ['3600', 'for an hour'],
  ['0', 'not at all'],
] as const;

/** A new secret for one's own token. */
export function RotateOwn({ close }: { close: () => void }): View {
  const [made, setMade] = useState<{ token: string; old_expires_at: string } | null>(null);
  const send = (fields: FormData) =>
    ask<{ token: string; old_expires_at: string }>('/v1/me/rotate', {
      method: 'POST',
      body: { overlap_seconds: Number(textOf(fields, 'overlap')) },
    });
  return html`<${Dialog}
    title=${made ? 'Your new secret' : 'Get a new secret'}
    isSticky=${made !== null}
    close=${close}
  >
    ${
      made
        ? html`<${Secret} text=${made.token}>Copy it now: it is not shown again.<//>
            <p class="quiet">
              The old one, and your session here, end <${Time} at=${made.old_expires_at} />. Sign in with the
              new one then.
            </p>
            <p class="actions"><button type="button" class="primary" onClick=${close}>Done</button></p>`
        : html`<${Form} action="Get it" send=${send} done=${setMade} cancel=${close}>
            <p>Limits and records stay. Replace the old secret wherever you use it.</p>
            <${Choice} name="overlap" label="The old one still works" options=${overlaps} />
          <//>`
    }
  <//>`;
}
