import { useState } from 'preact/hooks';
import { html, type View } from '../html.ts';

/** A text to copy: the button does it, and a click on the text takes all of it. */
export function Copy({ text, label = 'Copy' }: { text: string; label?: string }): View {
  const [isCopied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 2_000);
  };
  return html`<button type="button" class="copy" onClick=${() => void copy()}>
    ${isCopied ? 'Copied' : label}
  </button>`;
}

/** A block of code with a button to copy it. */
export function Snippet({ code, label }: { code: string; label: string }): View {
  return html`<div class="snippet">
    <${Copy} text=${code} label=${'Copy'} />
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
