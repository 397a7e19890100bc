import { fromNow, localTime } from '../format.ts';
import { html, type View } from '../html.ts';

interface TimeProps {
  /** RFC 3339, UTC. */
  at: string | null | undefined;
  /** What stands there if there is no time. */
  none?: string;
  /** How far from now, rather than when. */
  relative?: boolean;
  seconds?: boolean;
}

/** A time in the reader's zone; UTC on hover. */
export function Time({ at, none = '–', relative = false, seconds = false }: TimeProps): View {
  if (!at) return html`<span class="quiet">${none}</span>`;
  const shown = relative ? fromNow(Date.parse(at), Date.now()) : localTime(at, { seconds });
  const title = `${at.replace('T', ' ').replace(/(\.\d+)?Z$/, '')} UTC`;
  return html`<time datetime=${at} title=${title}>${shown}</time>`;
}
