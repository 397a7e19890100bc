import { useState } from 'preact/hooks';
import { type Answer, ask } from '../api.ts';
import { undoing } from '../data.ts';
import { limitName } from '../format.ts';
import { html, type View } from '../html.ts';
import { Dialog, useConfirm } from './dialog.ts';
import { asSent, type Changed, LimitForm, type NewLimit } from './limit-form.ts';
import { LimitBar, type ShownLimit } from './limits.ts';
import { notify } from './notice.ts';
import { Section } from './page.ts';
import { Empty } from './state.ts';

interface RecordLimitsProps {
  /** The path of the record that has them. */
  path: string;
  limits: readonly ShownLimit[];
  etag: string | null;
  mayChange: boolean;
  reload: () => void;
  title?: string;
  /** What it means that there are none. */
  none?: string;
  /** What comes of the usage of a limit that is removed. */
  removed?: string;
  /** The body that sets the list; absent: the record has it as `limits`. */
  bodyOf?: (limits: readonly NewLimit[]) => object;
}

/** The limits of a record as bars, to add to, to change and to remove from. */
export function RecordLimits({
  path,
  limits,
  etag,
  mayChange,
  reload,
  title = 'Limits',
  none = 'Other limits may still apply: a request must fit those of the gateway, the team, the user and the token.',
  removed = 'Its usage is forgotten: if you add it again, it starts at zero.',
  bodyOf = (list) => ({ limits: list }),
}: RecordLimitsProps): View {
  const [edited, setEdited] = useState<number | 'new' | null>(null);
  const { asking, confirm } = useConfirm();
  const now = limits.map(asSent);

  const put = (list: readonly NewLimit[]): Promise<Answer<Changed>> =>
    ask(path, { method: 'PATCH', body: bodyOf(list), etag });

  const saved = ({ warnings = [] }: Changed, changed: string | null): void => {
    const text = edited === 'new' ? 'The limit was added.' : 'The limit was changed.';
    setEdited(null);
    reload();
    const undo = undoing(path, { body: bodyOf(now), etag: changed, reload });
    notify({ text: [text, ...warnings].join(' '), undo });
  };
  const remove = (at: number): void =>
    confirm({
      title: 'Remove this limit?',
      text: `"${limitName(limits[at] ?? { metric: '', max: 0 })}" does not apply to the next request. ${removed}`,
      action: 'Remove',
      run: () => put(now.toSpliced(at, 1)),
      done: () => {
        reload();
        notify({ text: 'The limit was removed.' });
      },
    });

  const add = html`<button type="button" onClick=${() => setEdited('new')}>Add a limit</button>`;
  return html`<${Section} title=${title} actions=${mayChange ? add : null}>
    ${asking}
    ${
      limits.length === 0
        ? html`<${Empty} title="No limits">${none}<//>`
        : html`<ul class="limits">
            ${limits.map(
              (limit, at) =>
                html`<${LimitBar}
                  limit=${limit}
                  whose=${
                    mayChange
                      ? html`<span class="actions">
                          <button
                            type="button"
                            class="plain"
                            aria-label=${`Change ${limitName(limit)}`}
                            onClick=${() => setEdited(at)}
                          >
                            Change
                          </button>
                          <button
                            type="button"
                            class="plain"
                            aria-label=${`Remove ${limitName(limit)}`}
                            onClick=${() => remove(at)}
                          >
                            Remove
                          </button>
                        </span>`
                      : null
                  }
                />`,
            )}
          </ul>`
    }
    ${
      edited !== null &&
      html`<${Dialog}
        title=${edited === 'new' ? 'Add a limit' : 'Change the limit'}
        close=${() => setEdited(null)}
      >
        <${LimitForm}
          limit=${edited === 'new' ? null : limits[edited]}
          send=${(limit: NewLimit) => put(edited === 'new' ? [...now, limit] : now.with(edited, limit))}
          done=${saved}
          cancel=${() => setEdited(null)}
        />
      <//>`
    }
  <//>`;
}
