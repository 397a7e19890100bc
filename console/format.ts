/* Figures and times as people read them. Pure. */

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 });

export function count(value: number): string {
  return whole.format(value);
}

/** For an axis, or a figure in a sentence: 1.2M. */
export function compact(value: number): string {
  return short.format(value);
}

/** Dollars: cents from one dollar on, and two digits that say something below. */
export function usd(value: number): string {
  if (value === 0) return '$0';
  const digits = Math.abs(value) >= 1 ? 2 : Math.min(9, 1 - Math.floor(Math.log10(Math.abs(value))));
  return `$${value.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: Math.max(2, digits) })}`;
}

/** An amount of a limit's metric. */
export function amount(metric: string, value: number): string {
  return metric === 'cost_usd' ? usd(value) : count(value);
}

export function milliseconds(value: number | null): string {
  if (value === null) return '–';
  return value < 1_000 ? `${count(value)} ms` : `${(value / 1_000).toFixed(value < 10_000 ? 2 : 1)} s`;
}

export function bytes(value: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = value < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(value) / 3));
  const scaled = value / 1_000 ** power;
  return `${scaled.toLocaleString('en-US', { maximumFractionDigits: power === 0 ? 0 : 1 })} ${units[power] ?? ''}`;
}

export function percent(part: number, all: number): string {
  return all === 0
    ? '0 %'
    : `${((100 * part) / all).toLocaleString('en-US', { maximumFractionDigits: 1 })} %`;
}

const steps: readonly [name: Intl.RelativeTimeFormatUnit, seconds: number][] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });

/** How far a time is from now: "in 3 hours", "2 days ago". */
export function fromNow(atMs: number, nowMs: number): string {
  const seconds = (atMs - nowMs) / 1_000;
  const [name, size] = steps.find(([, each]) => Math.abs(seconds) >= each) ?? (['second', 1] as const);
  return relative.format(Math.trunc(seconds / size), name);
}

const local = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const precise = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

/** A time in the reader's zone. */
export function localTime(text: string, { seconds = false } = {}): string {
  return (seconds ? precise : local).format(new Date(text));
}

/** A limit in words: "100,000 tokens a day". */
export function limitName({
  metric,
  window,
  max,
  models,
  endpoints,
  tags,
  count_cached: countCached,
}: {
  metric: string;
  window?: string | null | undefined;
  max: number;
  models?: readonly string[] | undefined;
  endpoints?: readonly string[] | undefined;
  tags?: Readonly<Record<string, string>> | undefined;
  count_cached?: boolean | undefined;
}): string {
  const span = window ? `${window === 'hour' ? 'an' : 'a'} ${window}` : 'at a time';
  const many =
    metric === 'concurrency' ? 'requests' : metric === 'cost_usd' ? '' : metric.replaceAll('_', ' ');
  const what = max === 1 ? many.replace(/s$/, '') : many;
  const only = [
    ...(models ? [`for ${models.join(', ')}`] : []),
    ...(endpoints ? [`at ${endpoints.join(', ')}`] : []),
    ...(tags ? [`with ${tagList(tags)}`] : []),
    ...(countCached === false ? ['without cached input'] : []),
  ];
  return [amount(metric, max), what, span, ...only].filter((part) => part !== '').join(' ');
}

/** Tags as they are typed: `env=test, project=x`. */
export function tagList(tags: Readonly<Record<string, string>> | null | undefined): string {
  return Object.entries(tags ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .join(', ');
}

/** A UTC day such as 2026-11-30, so many days before another moment. */
export function dayBefore(nowMs: number, days: number): string {
  return new Date(nowMs - days * 86_400_000).toISOString().slice(0, 10);
}
