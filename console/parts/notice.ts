import { useEffect, useState } from 'preact/hooks';
import type { Answer } from '../api.ts';
import { html, type View } from '../html.ts';

/** What an action did, and how to undo it. */
export interface Notice {
  text: string;
  /** Must not undo what somebody else has done since: it sends the ETag that the action was answered with. */
  undo?: () => Promise<Answer<unknown>>;
  isBad?: boolean;
}

const shownForMs = 12_000;

let show: (notice: Notice | null) => void = () => {};

/** Says what an action did. */
export function notify(notice: Notice): void {
  show(notice);
}

/** Where notices appear. One on a page. */
export function Notices(): View {
  const [notice, setNotice] = useState<Notice | null>(null);
  show = setNotice;
  useEffect(() => {
    if (notice === null) return;
    const timer = setTimeout(() => setNotice(null), shownForMs);
    return () => clearTimeout(timer);
  }, [notice]);
  const undo = async (): Promise<void> => {
    setNotice(null);
    const answer = await notice?.undo?.();
    if (answer?.ok === false)
      setNotice({ text: `It was not undone: ${answer.problem.message}`, isBad: true });
  };
  return html`<div class="notices" role="status" aria-live="polite">
    ${
      notice &&
      html`<div class=${notice.isBad ? 'notice bad' : 'notice'}>
        <span>${notice.text}</span>
        ${notice.undo ? html`<button type="button" onClick=${() => void undo()}>Undo</button>` : null}
        <button type="button" class="plain" aria-label="Dismiss" onClick=${() => setNotice(null)}>×</button>
      </div>`
    }
  </div>`;
}
