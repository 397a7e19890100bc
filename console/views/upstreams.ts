import type { Page as Rows } from '../api.ts';
import { useReading } from '../data.ts';
import { count } from '../format.ts';
import { html, type View } from '../html.ts';
import { Page, Section } from '../parts/page.ts';
import { Shown } from '../parts/state.ts';
import { Time } from '../parts/time.ts';

type Circuit = 'closed' | 'half-open' | 'open';

interface Room {
  remaining: number;
  limit: number | null;
  resets_at: string;
}

interface Upstream {
  name: string;
  model_id: string | null;
  models: string[] | null;
  circuit: Circuit;
  failing: { model: string; circuit: Circuit; open_until: string }[];
  quota: { told_at: string; blocked_until: string | null; requests: Room | null; tokens: Room | null } | null;
}

/** The attachments, and how they are. */
export function Upstreams(): View {
  const { value, problem, isLoading, reload } = useReading<Rows<Upstream>>('/admin/upstreams');
  return html`<${Page} title="Upstreams" reload=${reload}>
    <p class="quiet">
      The inference attachments of this app, as seen by the process that answers. All processes share what
      they know of the keys' quotas.
    </p>
    <${Shown} isLoading=${isLoading} problem=${problem} hasValue=${value !== null} reload=${reload}>
      <div class="columns">${(value?.data ?? []).map((each) => html`<${One} upstream=${each} />`)}</div>
    <//>
  <//>`;
}

function One({
  upstream: { name, model_id: model, models, circuit, failing, quota },
}: {
  upstream: Upstream;
}): View {
  return html`<${Section} title=${name} actions=${html`<${CircuitMark} circuit=${circuit} />`}>
    <dl class="facts">
      <dt>Serves</dt>
      <dd>
        ${model ? html`<code>${model}</code>` : models === null ? 'any model' : models.map((each) => html`<code>${each}</code> `)}
      </dd>
      ${failing.map(
        (each) =>
          html`<dt>Failing</dt>
            <dd>
              <code>${each.model}</code>,
              ${each.circuit === 'open' ? html`not asked again until <${Time} at=${each.open_until} seconds />` : 'asked again by the next request'}
            </dd>`,
      )}
      <dt>Quota</dt>
      <dd>
        ${quota === null ? 'no quota reported yet' : html`told <${Time} at=${quota.told_at} relative />`}
      </dd>
      ${
        quota?.blocked_until
          ? html`<dt>Blocked</dt>
              <dd>until <${Time} at=${quota.blocked_until} seconds /></dd>`
          : null
      }
    </dl>
    ${
      quota
        ? html`<ul class="limits">
            <${RoomBar} name="requests" room=${quota.requests} /><${RoomBar}
              name="tokens"
              room=${quota.tokens}
            />
          </ul>`
        : null
    }
  <//>`;
}

function RoomBar({ name, room }: { name: string; room: Room | null }): View | null {
  if (room === null) return null;
  const { remaining, limit, resets_at: resets } = room;
  return html`<li class="limit">
    <div class="limit-name"><span>${name === 'tokens' ? 'Tokens' : 'Requests'}</span></div>
    ${
      limit === null || limit === 0
        ? null
        : html`<meter
            class=${remaining === 0 ? 'spent' : 'free'}
            min="0"
            max=${limit}
            value=${Math.max(0, limit - remaining)}
            aria-label=${`Used ${name}`}
          ></meter>`
    }
    <div class="limit-figures">
      <span>${count(remaining)} left${limit === null ? '' : ` of ${count(limit)}`}</span>
      <span class="quiet">full again <${Time} at=${resets} relative /></span>
    </div>
  </li>`;
}

function CircuitMark({ circuit }: { circuit: Circuit }): View {
  const words = { closed: 'not failing', 'half-open': 'failed lately', open: 'failing' };
  return html`<span class=${`mark ${circuit === 'closed' ? 'good' : 'bad'}`}>${words[circuit]}</span>`;
}
