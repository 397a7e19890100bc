import { useState } from 'preact/hooks';
import type { Answer } from '../api.ts';
import { html, type View } from '../html.ts';
import { tagList } from '../format.ts';
import { Choice, Field, Form, listOf, tagsOf, textOf } from './form.ts';
import type { ShownLimit } from './limits.ts';

/** A limit as it is sent. */
export type NewLimit = Pick<
  ShownLimit,
  'metric' | 'max' | 'models' | 'endpoints' | 'tags' | 'count_cached'
> & {
  window?: string;
};

/** The record as it is after a change, with what will not do what it seems to. */
export interface Changed {
  warnings?: string[];
}

interface LimitFormProps {
  limit: ShownLimit | null;
  send: (limit: NewLimit) => Promise<Answer<Changed>>;
  done: (changed: Changed, etag: string | null) => void;
  cancel: () => void;
}

/** A form to add a limit, or to change one. */
export function LimitForm({ limit, send, done, cancel }: LimitFormProps): View {
  const [metric, setMetric] = useState(limit?.metric ?? 'tokens');
  // The form leaves these as they are.
  const { endpoints, count_cached: cached } = limit ? asSent(limit) : {};
  const kept = {
    ...(endpoints ? { endpoints } : {}),
    ...(cached === undefined ? {} : { count_cached: cached }),
  };
  const sent = (fields: FormData): Promise<Answer<Changed>> => send({ ...kept, ...limitIn(fields) });
  return html`<${Form} action="Save" send=${sent} done=${done} cancel=${cancel}>
    <${LimitFields} limit=${limit} metric=${metric} setMetric=${setMetric} />
  <//>`;
}

interface LimitFieldsProps {
  limit: ShownLimit | null;
  metric: string;
  setMetric: (metric: string) => void;
}

/** The fields of a limit. */
export function LimitFields({ limit, metric, setMetric }: LimitFieldsProps): View {
  return html`<div class="row">
      <${Choice}
        name="metric"
        label="What it counts"
        value=${metric}
        onChange=${setMetric}
        options=${metrics}
      />
      ${
        metric === 'concurrency'
          ? null
          : html`<${Choice} name="window" label="Over" value=${limit?.window ?? 'day'} options=${windows} />`
      }
      <${Field}
        name="max"
        label=${metric === 'cost_usd' ? 'At most, in US dollars' : 'At most'}
        type="number"
        value=${limit ? String(limit.max) : ''}
        required
      />
    </div>
    <${Field}
      name="models"
      label="Only these models"
      value=${limit?.models?.join(', ') ?? ''}
      hint="Ids with commas between them. Empty: all."
    />
    <${Field}
      name="tags"
      label="Only requests with these tags"
      value=${tagList(limit?.tags)}
      hint="Such as project=x. Empty: all requests."
    />`;
}

/** The limit that a form says. The gateway checks it. */
export function limitIn(fields: FormData): NewLimit {
  const metric = textOf(fields, 'metric') ?? '';
  const window = textOf(fields, 'window');
  const models = listOf(fields, 'models');
  const tags = tagsOf(fields, 'tags');
  return {
    metric,
    ...(metric === 'concurrency' || window === undefined ? {} : { window }),
    max: Number(textOf(fields, 'max')),
    ...(models ? { models } : {}),
    ...(tags ? { tags } : {}),
  };
}

const metrics = [
  ['tokens', 'Tokens'],
  ['requests', 'Requests'],
  ['cost_usd', 'Money'],
  ['images', 'Images'],
  ['concurrency', 'Requests at a time'],
] as const;
const windows = [
  ['minute', 'a minute (sliding)'],
  ['hour', 'an hour (sliding)'],
  ['day', 'a day (UTC)'],
  ['month', 'a month (UTC)'],
] as const;

/** A shown limit as it is sent. */
export function asSent({
  metric,
  window,
  max,
  models,
  endpoints,
  tags,
  count_cached: cached,
}: ShownLimit): NewLimit {
  return {
    metric,
    ...(window ? { window } : {}),
    max,
    ...(models ? { models } : {}),
    ...(endpoints ? { endpoints } : {}),
    ...(tags ? { tags } : {}),
    ...(cached === undefined ? {} : { count_cached: cached }),
  };
}
