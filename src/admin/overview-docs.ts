import { z } from 'zod';
import { time } from '../base/fields.ts';
import { okJson, type OperationDocs } from '../base/operation-docs.ts';
import { shownLimit } from '../identity/schemas/responses.ts';
import { usageRowResponse } from '../ledger/ledger-response.ts';
import { periods } from '../reports/overview.ts';
import { recordsBrief } from './records-routes.ts';
import { upstreamResponse } from './upstreams-route.ts';

const text = z.string();
const count = z.int().min(0);
const mostFirst = 'At most 10. Those that cost most come first, then those with most tokens and requests.';
const gatewayOnly = 'Null for an administrator who is limited to teams.';

export const overviewParameters = z.strictObject({
  period: z
    .enum(periods, `must be one of ${periods.join(', ')}`)
    .meta({
      description: 'Whole UTC days up to today. month: the calendar month so far. The default is today.',
    })
    .exactOptional(),
});

const usage = usageRowResponse.omit({
  day: true,
  team: true,
  user: true,
  token: true,
  model: true,
  endpoint: true,
});
const figures = usage.extend({ refused: count }).meta({ id: 'OverviewFigures' });

const usedLimit = shownLimit
  .required({ used: true, remaining: true, resets_at: true })
  .extend({
    scope: z.enum(['gateway', 'team']),
    team: text.nullable().meta({ description: "Null: the gateway's." }),
  })
  .meta({ id: 'UsedLimit' });

const upstream = upstreamResponse.pick({ name: true, model_id: true, circuit: true });

const store = z.object({
  kind: z
    .enum(['redis', 'memory'])
    .meta({ description: 'memory: it forgets everything when the gateway ends.' }),
  used_bytes: count,
  max_bytes: count.nullable().meta({ description: 'Null: no bound, or the server does not say.' }),
  entries: count.meta({ description: 'In the ledger, as far as the store has it.' }),
  oldest_entry_at: time.nullable(),
});

const overview = z
  .object({
    period: z.object({ name: z.enum(periods), from: text, to: text }),
    figures,
    series: z
      .array(figures.extend({ day: text }))
      .meta({ description: 'Every day of the period, also one without requests.' }),
    top_users: z.array(usage.extend({ team: text, user: text })).meta({ description: mostFirst }),
    top_models: z.array(usage.extend({ model: text })).meta({ description: mostFirst }),
    refusals: z
      .array(z.object({ code: text, refused: count }))
      .meta({ description: 'The most frequent first.' }),
    limits: z.array(usedLimit).meta({
      description:
        "At most 10 limits of teams and of the gateway, those first of which the greatest share is used. Of more than 100 teams, only the 100 count that sent most requests in the period. Only administrators of all teams see the gateway's.",
    }),
    upstreams: z.array(upstream).nullable().meta({ description: gatewayOnly }),
    store: store.nullable().meta({ description: gatewayOnly }),
    records: recordsBrief.nullable().meta({ description: gatewayOnly }),
  })
  .meta({ id: 'Overview' });

export const overviewDocs: OperationDocs = {
  summary: 'Tell how the gateway is doing',
  details:
    'The sums are those of /admin/usage and /admin/refusals; an administrator who is limited to teams gets those of these teams.',
  query: overviewParameters,
  answer: okJson(overview),
};
