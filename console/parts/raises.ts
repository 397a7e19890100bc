import { useState } from 'preact/hooks';
import { type Answer, ask } from '../api.ts';
import { amount, limitName } from '../format.ts';
import { html, type View } from '../html.ts';
import { Dialog } from './dialog.ts';
import { Choice, Field, Form, textOf } from './form.ts';
import type { ShownLimit } from './limits.ts';
import { notify } from './notice.ts';
import { Time } from './time.ts';

/** What adds to a limit until it ends by itself. */
export interface Raise {
  id: string;
  /** The id of the limit. */
  limit: string;
  by: number;
  until: string;
}

interface RaisesProps {
  /** The path of the record. */
  path: string;
  limit: ShownLimit;
  raises: readonly Raise[];
  mayChange: boolean;
  reload: () => void;
}

/** The raises of a limit, each with a button that withdraws it. */
export function Raises({ path, limit, raises, mayChange, reload }: RaisesProps): View | null {
  const own = raises.filter((each) => each.limit === limit.id);
  const withdraw = async ({ id }: Raise): Promise<void> => {
    const answer = await ask(`${path}/raises/${encodeURIComponent(id)}`, { method: 'DELETE' });
    reload();
    notify(answer.ok ? { text: 'The raise was withdrawn.' } : { text: answer.problem.message });
  };
  if (own.length === 0) return null;
  return html`<ul class="raises">
    ${own.map(
      (each) =>
        html`<li>
          Raised by ${amount(limit.metric, each.by)} until <${Time} at=${each.until} />
          ${
            mayChange
              ? html`<button
                  type="button"
                  class="plain"
                  aria-label=${`Withdraw the raise by ${amount(limit.metric, each.by)}`}
                  onClick=${() => void withdraw(each)}
                >
                  Withdraw
                </button>`
              : null
          }
        </li>`,
    )}
  </ul>`;
}

/** A button that raises a limit until a time. */
export function RaiseButton({ path, limit, reload }: Pick<RaisesProps, 'path' | 'limit' | 'reload'>): View {
  const [isOpen, setOpen] = useState(false);
  const close = (): void => setOpen(false);
  const send = (fields: FormData): Promise<Answer<Raise>> => {
    const body = { by: Number(textOf(fields, 'by')), for_seconds: Number(textOf(fields, 'for')) };
    return ask(`${path}/limits/${encodeURIComponent(limit.id ?? '')}/raise`, { method: 'POST', body });
  };
  const done = (): void => {
    close();
    reload();
    notify({ text: 'The limit was raised.' });
  };
  const name = limitName(limit);
  return html`<button
      type="button"
      class="plain"
      aria-label=${`Raise ${name}`}
      onClick=${() => setOpen(true)}
    >
      Raise</button
    >${
      isOpen &&
      html`<${Dialog} title="Raise the limit for a while" close=${close}>
        <p class="quiet">${name}. It ends by itself, and what it let through still counts then.</p>
        <${Form} action="Raise" send=${send} done=${done} cancel=${close}>
          <div class="row">
            <${Field}
              name="by"
              label=${limit.metric === 'cost_usd' ? 'By, in US dollars' : 'By'}
              type="number"
              step="any"
              required
            />
            <${Choice} name="for" label="For" options=${spans} value="14400" />
          </div>
        <//>
      <//>`
    }`;
}

/** In seconds. */
const spans = [
  ['3600', 'an hour'],
  ['14400', '4 hours'],
  ['86400', 'a day'],
  ['604800', 'a week'],
  ['2592000', '30 days'],
] as const;
