import { html, type View } from '../html.ts';
import { Empty } from './state.ts';
import { Table } from './table.ts';
import { useWidth } from './width.ts';

/** One colour of a chart: a value for each label. */
export interface Series {
  name: string;
  values: readonly number[];
}

interface ChartProps {
  /** What it shows, such as "Requests a day". */
  label: string;
  /** Along the bottom. */
  labels: readonly string[];
  series: readonly Series[];
  format: (value: number) => string;
  /** What a label is, for the table: "Day". */
  unit: string;
}

const firstWidth = 720;
const leastWidth = 240;
const height = 200;
const left = 52;
const bottom = 22;
const top = 8;
/** As many as there are colours. */
const mostSeries = 6;

/** Bars that stand on each other, and the same figures as a table. */
export function StackedChart(props: ChartProps): View {
  const isEmpty = props.series.every(({ values }) => values.every((value) => value === 0));
  return isEmpty ? html`<${Empty} title="Nothing in these days" />` : html`<${Bars} ...${props} />`;
}

function Bars({ label, labels, series, format, unit }: ChartProps): View {
  const [figure, measured] = useWidth<HTMLElement>(firstWidth);
  const width = Math.max(leastWidth, measured); // it is 0 while it is not shown
  const shown = topSeries(series);
  const sums = labels.map((_, at) => sum(shown.map(({ values }) => values[at] ?? 0)));
  const max = niceMax(Math.max(...sums));
  const step = (width - left) / Math.max(1, labels.length);
  const barWidth = Math.max(1, Math.min(40, step * 0.72));
  const y = (value: number): number => top + (height - top - bottom) * (1 - value / max);
  const every = Math.ceil(labels.length / Math.max(1, Math.floor((width - left) / 64)));

  const bar = (each: string, at: number) => {
    let below = 0;
    const x = left + at * step + (step - barWidth) / 2;
    return html`<g>
      <title>
        ${[each, ...shown.map(({ name, values }) => `${name}: ${format(values[at] ?? 0)}`)].join('\n')}
      </title>
      <rect class="hit" x=${left + at * step} y=${top} width=${step} height=${height - top - bottom} />
      ${shown.map(({ values }, n) => {
        const value = values[at] ?? 0;
        const from = below;
        below += value;
        return html`<rect
          class=${`series-${n}`}
          x=${x}
          y=${y(below)}
          width=${barWidth}
          height=${y(from) - y(below)}
        />`;
      })}
      ${
        at % every === 0
          ? html`<text class="tick" x=${left + (at + 0.5) * step} y=${height - 6} text-anchor="middle"
              >${each}</text
            >`
          : null
      }
    </g>`;
  };

  const rows = labels.map((each, at) => ({ each, at }));
  const columns = [
    { title: unit, cell: ({ each }: { each: string }) => each },
    ...series.map(({ name, values }) => ({
      title: name,
      cell: ({ at }: { at: number }) => format(values[at] ?? 0),
      isFigure: true,
    })),
  ];
  return html`<figure class="chart" ref=${figure}>
    ${shown.length > 1 ? html`<figcaption><${Legend} names=${shown.map(({ name }) => name)} /></figcaption>` : null}
    <svg viewBox=${`0 0 ${width} ${height}`} role="img" aria-label=${label}>
      ${[0, 0.5, 1].map(
        (part) =>
          html`<g>
            <line class="grid" x1=${left} x2=${width} y1=${y(max * part)} y2=${y(max * part)} />
            <text class="tick" x=${left - 6} y=${y(max * part) + 4} text-anchor="end"
              >${format(max * part)}</text
            >
          </g>`,
      )}
      ${labels.map(bar)}
    </svg>
    <details>
      <summary>The same as a table</summary>
      <${Table} label=${label} columns=${columns} rows=${rows} />
    </details>
  </figure>`;
}

function Legend({ names }: { names: readonly string[] }): View {
  return html`<ul class="legend">
    ${names.map((name, n) => html`<li><span class=${`swatch series-${n}`} aria-hidden="true"></span>${name}</li>`)}
  </ul>`;
}

/** The largest series; the rest together, so that each has a colour. Pure. */
export function topSeries(series: readonly Series[]): Series[] {
  const bySize = series.toSorted((a, b) => sum(b.values) - sum(a.values));
  if (bySize.length <= mostSeries) return bySize;
  const rest = bySize.slice(mostSeries - 1);
  const values = (rest[0]?.values ?? []).map((_, at) => sum(rest.map((each) => each.values[at] ?? 0)));
  return [...bySize.slice(0, mostSeries - 1), { name: `${rest.length} others`, values }];
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** The first of 1, 2, 3, 4, 5, 6, 8, 10, 20, … that is not less. Pure. */
export function niceMax(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const found = [1, 2, 3, 4, 5, 6, 8, 10].find((step) => step * power >= value);
  return (found ?? 10) * power;
}
