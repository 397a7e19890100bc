import type { Problem } from '../api.ts';
import { type Children, html, type View } from '../html.ts';

interface StateProps {
  isLoading: boolean;
  problem: Problem | null;
  /** Whether there is something to show, perhaps from before. */
  hasValue: boolean;
  reload: () => void;
  children?: Children;
}

/** What a view shows: what it read, that it is reading, or why it could not. */
export function Shown({ isLoading, problem, hasValue, reload, children }: StateProps): View {
  if (problem && !hasValue) return html`<${Failure} problem=${problem} reload=${reload} />`;
  if (!hasValue)
    return html`<div class="skeleton" role="status" aria-label="Loading" aria-busy=${isLoading}></div>`;
  return html`${problem ? html`<${Failure} problem=${problem} reload=${reload} />` : null}${children}`;
}

/** Why something failed, in the gateway's words, and a way to try again. */
export function Failure({ problem, reload }: { problem: Problem; reload?: () => void }): View {
  return html`<div class="failure" role="alert">
    <p><strong>${titleOf(problem)}</strong></p>
    <p>${problem.message}</p>
    ${
      problem.details.length > 0
        ? html`<ul>
            ${problem.details.map(({ message }) => html`<li>${message}</li>`)}
          </ul>`
        : null
    }
    ${reload ? html`<button type="button" onClick=${reload}>Try again</button>` : null}
  </div>`;
}

function titleOf({ status, code }: Problem): string {
  if (status === 0) return 'That did not work';
  if (code === 'store_unavailable') return 'The store is away';
  if (code === 'suspended') return 'Suspended';
  if (status === 403) return 'Not for your role';
  if (status === 404) return 'Not found';
  if (status === 429) return 'Too many requests';
  if (status === 412) return 'Changed meanwhile';
  return status >= 500 ? 'The gateway cannot answer now' : 'Refused';
}

/** Nothing is there yet; what to do about it. */
export function Empty({ title, children }: { title: string; children?: Children }): View {
  return html`<div class="empty">
    <p><strong>${title}</strong></p>
    ${children ? html`<p>${children}</p>` : null}
  </div>`;
}
