import { amount, limitName, percent } from '../format.ts';
import { html, type View } from '../html.ts';
import { Time } from './time.ts';
import { Empty } from './state.ts';

/** A limit as the API tells it, with what is used of it. */
export interface ShownLimit {
  scope?: string;
  metric: string;
  window?: string | null;
  max: number;
  models?: string[];
  endpoints?: string[];
  tags?: Record<string, string>;
  count_cached?: boolean;
  used?: number;
  remaining?: number;
  resets_at?: string | null;
}

/** A limit as a bar: what is used of it, what is left, and when it is free again. */
export function LimitBar({ limit, whose }: { limit: ShownLimit; whose?: unknown }): View {
  const { metric, max, used = 0, remaining = Math.max(0, max - used), resets_at: resets = null } = limit;
  const level = remaining === 0 ? 'spent' : used / max >= 0.8 ? 'near' : 'free';
  const name = limitName(limit);
  return html`<li class="limit">
    <div class="limit-name">
      <span>${name}</span>${whose ? html`<span class="quiet">${whose}</span>` : null}
    </div>
    ${
      limit.used === undefined
        ? null
        : html`<meter
              class=${level}
              min="0"
              max=${max === 0 ? 1 : max}
              value=${max === 0 ? 1 : Math.min(used, max)}
              aria-label=${name}
            >
              ${percent(used, max)}
            </meter>
            <div class="limit-figures">
              <span>${amount(metric, used)} used, ${amount(metric, remaining)} left</span>
              <span class="quiet"
                >${resets && used > 0 ? html`free again <${Time} at=${resets} relative />` : ''}</span
              >
            </div> `
    }
  </li>`;
}

export function LimitBars({ limits, none }: { limits: readonly ShownLimit[]; none: string }): View {
  if (limits.length === 0) return html`<${Empty} title=${none} />`;
  return html`<ul class="limits">
    ${limits.map((limit) => html`<${LimitBar} limit=${limit} whose=${limit.scope ? `of the ${limit.scope}` : null} />`)}
  </ul>`;
}
