import { useState } from 'preact/hooks';
import { html, type View } from '../html.ts';

const saidForMs = 4_000;

/**
 * A button that copies the text before it or after it. Browsers let a page write to the clipboard over https only, and
 * people may say no: then the text is selected, to be copied with the keyboard.
 */
function Copy({ text }: { text: string }): View {
  const [said, setSaid] = useState('');
  const copied = async (button: Element): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setSaid('Copied');
    } catch {
      const shown = button.parentElement?.querySelector('code');
      if (shown) getSelection()?.selectAllChildren(shown);
      setSaid('Selected: copy it with the keyboard');
    }
    setTimeout(() => setSaid(''), saidForMs);
  };
  const clicked = (event: Event): void => {
    if (event.currentTarget instanceof Element) void copied(event.currentTarget);
  };
  return html`<button type="button" class="copy" onClick=${clicked}>
      ${said === 'Copied' ? said : 'Copy'}
    </button>
    <span class=${said === 'Copied' ? 'unseen' : 'quiet'} role="status">${said}</span>`;
}

/** A block of code with a button to copy it. */
export function Snippet({ code, label }: { code: string; label: string }): View {
  return html`<div class="snippet">
    <${Copy} text=${code} />
    <pre tabindex="0" aria-label=${label}><code>${code}</code></pre>
  </div>`;
}

/** A secret that is shown this once. */
export function Secret({ text, children }: { text: string; children?: unknown }): View {
  return html`<div class="secret">
    <p>${children}</p>
    <code>${text}</code>
    <${Copy} text=${text} />
  </div>`;
}
