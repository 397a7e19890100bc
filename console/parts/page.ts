import { useEffect } from 'preact/hooks';
import { type Children, html, type View } from '../html.ts';

interface PageProps {
  title: string;
  /** Where the view is: links from the top down to it. */
  above?: readonly (readonly [label: string, href: string])[];
  actions?: Children;
  /** Reads everything again; absent: the view has nothing that changes by itself. */
  reload?: () => void;
  children?: Children;
}

/** A view: its heading, its actions and its content. */
export function Page({ title, above = [], actions, reload, children }: PageProps): View {
  useEffect(() => {
    document.title = `${title} · Tollgate`;
  }, [title]);
  return html`<header class="page-head">
      <div>
        ${
          above.length > 0
            ? html`<nav aria-label="Above" class="above">
                ${above.map(([label, href]) => html`<a href=${href}>${label}</a><span aria-hidden="true"> / </span>`)}
              </nav>`
            : null
        }
        <h1 tabindex="-1">${title}</h1>
      </div>
      ${
        actions || reload
          ? html`<div class="actions">
              ${reload ? html`<button type="button" onClick=${reload}>Read again</button>` : null}${actions}
            </div>`
          : null
      }
    </header>
    ${children}`;
}

/** A part of a view with a heading of its own. */
export function Section({
  title,
  actions,
  children,
}: {
  title: string;
  actions?: Children;
  children?: Children;
}): View {
  return html`<section class="card">
    <header>
      <h2>${title}</h2>
      ${actions ? html`<div class="actions">${actions}</div>` : null}
    </header>
    ${children}
  </section>`;
}

/** A figure with its name. */
export function Figure({ label, value, note }: { label: string; value: unknown; note?: unknown }): View {
  return html`<div class="tile">
    <dt>${label}</dt>
    <dd>${value}</dd>
    ${note ? html`<dd class="quiet">${note}</dd>` : null}
  </div>`;
}
