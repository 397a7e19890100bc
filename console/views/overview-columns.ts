import { compact, count, usd } from '../format.ts';
import { html } from '../html.ts';
import type { ShownLimit } from '../parts/limits.ts';
import type { Range } from '../parts/range.ts';
import type { Column } from '../parts/table.ts';
import { hrefTo } from '../router.ts';

/* What an overview has, and the columns of its tables. */

interface Figures {
  requests: number;
  input_tokens: number;
  output_tokens: number;
  images: number;
  errors: number;
  aborted: number;
  lost: number;
  cost_usd: number;
  refused: number;
}

type Usage = Omit<Figures, 'refused'>;

/** The answer of `GET /admin/overview`. */
export interface OverviewAnswer {
  period: { name: string; from: string; to: string };
  figures: Figures;
  series: (Figures & { day: string })[];
  top_users: (Usage & { team: string; user: string })[];
  top_models: (Usage & { model: string })[];
  refusals: { code: string; refused: number }[];
  limits: (ShownLimit & { scope: 'gateway' | 'team'; team: string | null })[];
  upstreams: { name: string; model_id: string | null; circuit: string }[] | null;
  store: { kind: string; used_bytes: number; max_bytes: number | null; entries: number } | null;
  records: { state: 'on' | 'off' | 'unreachable'; problem: string | null } | null;
}

export function refusalColumns(range: Range): Column<OverviewAnswer['refusals'][number]>[] {
  return [
    {
      title: 'Code',
      cell: ({ code }) => html`<a href=${hrefTo(['refusals'], { ...range, code })}><code>${code}</code></a>`,
    },
    { title: 'Refused', cell: ({ refused }) => count(refused), isFigure: true },
  ];
}

const sums: Column<Usage>[] = [
  { title: 'Requests', cell: ({ requests }) => count(requests), isFigure: true },
  {
    title: 'Tokens',
    cell: ({ input_tokens: input, output_tokens: output }) =>
      html`<span title=${`${count(input)} in, ${count(output)} out`}
        >${compact(input)} / ${compact(output)}</span
      >`,
    isFigure: true,
  },
  { title: 'Cost', cell: ({ cost_usd: cost }) => usd(cost), isFigure: true },
];

export function userColumns(range: Range): Column<OverviewAnswer['top_users'][number]>[] {
  return [
    {
      title: 'User',
      cell: ({ team, user }) =>
        html`<a href=${hrefTo(['usage'], { ...range, team, user })}>${user}</a>
          <span class="quiet">${team}</span>`,
    },
    ...sums,
  ];
}

export function modelColumns(range: Range): Column<OverviewAnswer['top_models'][number]>[] {
  return [
    {
      title: 'Model',
      cell: ({ model }) => html`<a href=${hrefTo(['usage'], { ...range, model })}>${model}</a>`,
    },
    ...sums,
  ];
}
