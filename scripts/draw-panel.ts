import type { Panel } from '../test/support/operations.ts';
import type { Series } from '../test/support/prometheus.ts';
import { clockTime, inUnit, ticksTo, written } from './dashboard-numbers.ts';

/** What the queries of a panel found, in their order. */
export type Found = readonly (readonly Series[])[];
/** In seconds. */
export interface Span {
  start: number;
  end: number;
}

interface Line {
  name: string;
  color: string;
  points: readonly (readonly [number, number])[];
}

const palette = [
  '#56a64b',
  '#e0b400',
  '#3274d9',
  '#ff780a',
  '#e02f44',
  '#1f60c4',
  '#a352cc',
  '#8f3bb8',
  '#5a9bd4',
];
const named: Readonly<Record<string, string>> = {
  green: '#56a64b',
  yellow: '#e0b400',
  orange: '#ff780a',
  red: '#e02f44',
  purple: '#a352cc',
  text: 'var(--text)',
};

/** What is inside a panel, as HTML. */
export function content(panel: Panel, found: Found, box: Span & { width: number; height: number }): string {
  const lines = linesOf(panel, found);
  if (lines.length === 0)
    return `<p class="none">${escaped(panel.fieldConfig?.defaults.noValue ?? 'No data')}</p>`;
  switch (panel.type) {
    case 'stat':
      return stat(panel, lines, box);
    case 'timeseries':
      return timeSeries(panel, lines, box);
    case 'bargauge':
      return bars(panel, lines);
    case 'table':
      return table(panel, found);
    case 'row':
      return '';
  }
}

function linesOf({ targets = [], fieldConfig }: Panel, found: Found): Line[] {
  const lines = found.flatMap((series, n) =>
    series.map(({ metric, values }) => ({
      name: (targets[n]?.legendFormat ?? '')
        .replaceAll(/\{\{(\w+)\}\}/g, (_, label: string) => metric[label] ?? '')
        .trim(),
      points: values
        .map(([at, value]): [number, number] => [at, Number(value)])
        .filter(([, value]) => Number.isFinite(value)),
    })),
  );
  return lines.map((line, n) => {
    const override = fieldConfig?.overrides.find(({ matcher }) => matcher.options === line.name);
    const fixed = (override?.properties[0]?.value as { fixedColor?: string } | undefined)?.fixedColor;
    return { ...line, color: named[fixed ?? ''] ?? palette[n % palette.length] ?? '' };
  });
}

function stat(
  panel: Panel,
  [line]: Line[],
  { width, height, start, end }: Span & { width: number; height: number },
): string {
  const last = line?.points.at(-1)?.[1];
  if (line === undefined || last === undefined) return '<p class="none">No data</p>';
  const color = thresholdColor(panel, last);
  const max = Math.max(...line.points.map(([, value]) => value)) || 1;
  const area = line.points.map(
    ([at, value]) => `${((at - start) / (end - start)) * width},${height - (value / max) * height * 0.4}`,
  );
  const spark =
    area.length > 1
      ? `<svg width="${width}" height="${height}"><polygon points="0,${height} ${area.join(' ')} ${width},${height}" fill="${color}" opacity=".18"/></svg>`
      : '';
  return `${spark}<b class="stat" style="color:${color}">${written(panel, last)}</b>`;
}

function timeSeries(
  panel: Panel,
  lines: Line[],
  { width, height: whole, start, end }: Span & { width: number; height: number },
): string {
  const { custom, thresholds } = panel.fieldConfig?.defaults ?? {};
  const isStacked = custom?.stacking?.mode === 'normal';
  const limit = custom?.thresholdsStyle?.mode === 'dashed' ? (thresholds?.steps.at(-1)?.value ?? null) : null;
  const below = new Map<number, number>();
  const shapes = lines.map((line) => ({
    ...line,
    points: line.points.map(([at, value]) => {
      const from = isStacked ? (below.get(at) ?? 0) : 0;
      below.set(at, from + value);
      return { at, from, to: from + value };
    }),
  }));
  const height = whole - 22;
  const left = 62;
  const max = Math.max(limit ?? 0, ...shapes.flatMap(({ points }) => points.map(({ to }) => to)));
  const ticks = ticksTo(max, panel);
  const top = ticks.at(-1) ?? 1;
  const px = (at: number): number => left + ((at - start) / (end - start)) * (width - left);
  const py = (value: number): number => 4 + (1 - value / top) * (height - 24);
  const grid = ticks.map(
    (tick) =>
      `<line x1="${left}" x2="${width}" y1="${py(tick)}" y2="${py(tick)}"/><text x="${left - 6}" y="${py(tick) + 4}" text-anchor="end">${written(panel, tick)}</text>`,
  );
  const times = [0.1, 0.3, 0.5, 0.7, 0.9].map((part) => start + part * (end - start));
  const hours = times.map(
    (at) => `<text x="${px(at)}" y="${height}" text-anchor="middle">${clockTime(at)}</text>`,
  );
  const step = custom?.lineInterpolation === 'stepAfter';
  const drawn = shapes.map(({ color, points }) => {
    const tops = points.flatMap(({ at, to }, n) => [
      ...(step && n > 0 ? [`${px(at)},${py(points[n - 1]?.to ?? 0)}`] : []),
      `${px(at)},${py(to)}`,
    ]);
    const bottoms = points.map(({ at, from }) => `${px(at)},${py(from)}`).toReversed();
    const opacity = (custom?.fillOpacity ?? 0) / 100;
    return `<polygon points="${tops.join(' ')} ${bottoms.join(' ')}" fill="${color}" opacity="${opacity}"/><polyline points="${tops.join(' ')}" fill="none" stroke="${color}" stroke-width="1.3"/>`;
  });
  const mark =
    limit === null
      ? ''
      : `<line class="limit" x1="${left}" x2="${width}" y1="${py(limit)}" y2="${py(limit)}"/>`;
  const legend = lines
    .map(({ name, color }) => `<span><i style="background:${color}"></i>${escaped(name)}</span>`)
    .join('');
  return `<svg width="${width}" height="${height}"><g class="grid">${grid.join('')}${hours.join('')}</g>${drawn.join('')}${mark}</svg><div class="legend">${legend}</div>`;
}

function bars(panel: Panel, lines: Line[]): string {
  const rows = lines
    .map(({ name, points }) => ({ name, value: points.at(-1)?.[1] ?? 0 }))
    .toSorted((a, b) => b.value - a.value)
    .map(({ name, value }) => {
      const color = thresholdColor(panel, value);
      return `<tr><td>${escaped(name)}</td><td class="bar"><i style="width:${Math.min(100, value * 100)}%;background:${color}"></i></td><td style="color:${color}">${written(panel, value)}</td></tr>`;
    });
  return `<table class="bars">${rows.join('')}</table>`;
}

function table({ transformations = [], fieldConfig, targets = [] }: Panel, found: Found): string {
  const options = transformations.find(({ id }) => id === 'organize')?.options ?? {};
  const { indexByName = {}, renameByName = {} } = options as Record<string, Record<string, string>>; // as Grafana has them
  const columns = Object.keys(indexByName);
  const rows = new Map<string, Record<string, string>>();
  found.forEach((series, n) => {
    const valueName = found.length > 1 ? `Value #${targets[n]?.refId}` : 'Value';
    for (const { metric, values } of series) {
      const key = JSON.stringify(metric);
      rows.set(key, { ...metric, ...rows.get(key), [valueName]: values.at(-1)?.[1] ?? '' });
    }
  });
  const sortedBy = columns.find((name) => name.startsWith('Value')) ?? '';
  const sorted = [...rows.values()].toSorted((a, b) => Number(b[sortedBy] ?? 0) - Number(a[sortedBy] ?? 0));
  const titled = columns.map((name) => {
    const title = renameByName[name] ?? name;
    const unit = fieldConfig?.overrides.find(({ matcher }) => matcher.options === title)?.properties[0]
      ?.value;
    return { name, title, unit: typeof unit === 'string' ? unit : null };
  });
  const head = titled
    .map(({ title, unit }) => `<th${unit ? ' class="number"' : ''}>${escaped(title)}</th>`)
    .join('');
  const body = sorted.map((row) => {
    const cells = titled.map(({ name, unit }) => {
      const text = row[name] ?? '';
      return unit === null
        ? `<td>${escaped(text)}</td>`
        : `<td class="number">${text === '' ? '' : inUnit(Number(text), unit)}</td>`;
    });
    return `<tr>${cells.join('')}</tr>`;
  });
  return `<table><tr>${head}</tr>${body.join('')}</table>`;
}

function thresholdColor({ fieldConfig }: Panel, value: number): string {
  const reached = fieldConfig?.defaults.thresholds?.steps.filter(
    ({ value: from }) => from === null || value >= from,
  );
  return named[reached?.at(-1)?.color ?? 'text'] ?? 'var(--text)';
}

export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
