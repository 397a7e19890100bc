import type { Panel } from '../test/support/operations.ts';

/** A value in the unit of a panel. */
export function written({ fieldConfig }: Panel, value: number): string {
  const { unit = 'none', decimals } = fieldConfig?.defaults ?? {};
  return inUnit(value, unit, decimals);
}

/** As Grafana writes the units that the dashboards have. */
export function inUnit(value: number, unit: string, decimals?: number): string {
  const digits = (number: number): string =>
    number.toFixed(decimals ?? (number === 0 || Math.abs(number) >= 100 ? 0 : Math.abs(number) < 1 ? 2 : 1));
  switch (unit) {
    case 'percentunit':
      return `${(value * 100).toFixed(decimals ?? 1)}%`;
    case 'currencyUSD':
      return `$${value.toFixed(value !== 0 && value < 0.1 ? 3 : 2)}`;
    case 's':
      return value !== 0 && value < 1 ? `${digits(value * 1000)} ms` : `${digits(value)} s`;
    case 'bytes':
      return `${digits(value / 2 ** 20)} MiB`;
    case 'locale':
      return value.toFixed(0);
    default: {
      const short = Math.abs(value) >= 1000 ? `${(value / 1000).toFixed(1)} K` : digits(value);
      return short + ({ reqps: ' req/s', ops: ' ops/s' }[unit] ?? '');
    }
  }
}

/** Some four round numbers of a unit from 0 to at least `max`. */
export function ticksTo(max: number, { fieldConfig }: Panel): number[] {
  const { unit, decimals } = fieldConfig?.defaults ?? {};
  const base = unit === 'bytes' ? 2 ** 20 : 1;
  const about = (max || 1) / base / 4;
  const power = 10 ** Math.floor(Math.log10(about));
  const round = [1, 2, 5, 10].map((each) => each * power).find((each) => each >= about) ?? about;
  const step = base * (decimals === 0 ? Math.max(1, round) : round);
  return Array.from({ length: Math.ceil((max || 1) / step) + 1 }, (_, n) => n * step);
}

/** Hours and minutes, UTC. */
export function clockTime(atS: number): string {
  return new Date(atS * 1000).toISOString().slice(11, 16);
}
