import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Answer, Problem } from '../api.ts';
import { type Children, html, type View } from '../html.ts';
import { Failure } from './state.ts';

interface DialogProps {
  title: string;
  close: () => void;
  /** It shows what cannot be had again: Escape does not close it, only its button does. */
  isSticky?: boolean;
  children?: Children;
}

/** A dialog over the page; Escape closes it, and the focus returns to where it was. */
export function Dialog({ title, close, isSticky = false, children }: DialogProps): View {
  const dialog = useRef<HTMLDialogElement>(null);
  // In the task of the key that opens or closes it: after the next paint, a fast hand's next key would be lost.
  useLayoutEffect(() => {
    const before = document.activeElement;
    const shown = dialog.current;
    shown?.showModal();
    return () => {
      shown?.close(); // what is behind an open dialog takes no focus
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  // Told before the browser closes it: its `close` event comes only after the next key may have arrived.
  const cancelled = (event: Event): void => {
    if (isSticky) event.preventDefault();
    else close();
  };
  const closed = (): void => {
    if (dialog.current !== null) close(); // else it has left the page, and another may be open
  };
  return html`<dialog
    ref=${dialog}
    aria-labelledby="dialog-title"
    closedby=${isSticky ? 'none' : 'closerequest'}
    onCancel=${cancelled}
    onClose=${closed}
  >
    <h2 id="dialog-title">${title}</h2>
    ${children}
  </dialog>`;
}

interface AskedToConfirm {
  title: string;
  /** What happens, in whole sentences. */
  text: string;
  /** What the button says, such as "Revoke". */
  action: string;
  run: () => Promise<Answer<unknown>>;
  done: () => void;
}

/** Asks before something that cannot be undone. */
export function Confirm({
  title,
  text,
  action,
  run,
  done,
  close,
}: AskedToConfirm & { close: () => void }): View {
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isRunning, setRunning] = useState(false);
  const confirmed = async (): Promise<void> => {
    setRunning(true);
    const answer = await run();
    setRunning(false);
    if (!answer.ok) return setProblem(answer.problem);
    close();
    done();
  };
  return html`<${Dialog} title=${title} close=${close}>
    <p>${text}</p>
    ${problem ? html`<${Failure} problem=${problem} />` : null}
    <p class="actions">
      <button type="button" onClick=${close} autofocus>Cancel</button>
      <button type="button" class="danger" disabled=${isRunning} onClick=${() => void confirmed()}>
        ${action}
      </button>
    </p>
  <//>`;
}

/** A dialog that a view opens and closes: what it shows, and how to ask for it. */
export function useConfirm(): { asking: View | null; confirm: (asked: AskedToConfirm) => void } {
  const [asked, setAsked] = useState<AskedToConfirm | null>(null);
  const close = (): void => setAsked(null);
  return { asking: asked && html`<${Confirm} ...${asked} close=${close} />`, confirm: setAsked };
}
