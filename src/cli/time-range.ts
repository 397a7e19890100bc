import { InvalidArgumentError, Option } from 'commander';
import { systemClock } from '../base/clock.ts';
import { dayMs, dayOf } from '../base/days.ts';
import { secondsOf } from './arguments.ts';

const weekdays = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];

const understood =
  'Write today, yesterday, 7d (the last 7 days), 4w, 12h, monday, month (its first day), 2026-01-31, or an RFC 3339 time.';

export function fromOption(): Option {
  const words = 'the beginning: 7d, yesterday, monday, month, 2026-01-31, or 2026-01-31T12:00:00Z';
  return new Option('--from <when>', words).argParser(parseMoment);
}

export function toOption(): Option {
  const words = 'the end: a day as above, which is included, or a time, which is not';
  return new Option('--to <when>', words).argParser(parseMoment);
}

/** `7d`, `yesterday`, `monday` or `month` as a UTC day, `12h` as a time; a day or a time as it is. */
export function parseMoment(text: string): string {
  const at = momentOf(text.toLowerCase(), systemClock.now());
  if (at === null) throw new InvalidArgumentError(understood);
  return at === '' ? text : at;
}

/** When something was, such as `90d` ago: an RFC 3339 time; a day, a time or another word as above. */
export function parseAgo(text: string): string {
  const seconds = secondsOf(text);
  return seconds === null ? parseMoment(text) : timeText(systemClock.now() - seconds * 1_000);
}

/**
 * What a word means at `nowMs`, as the API takes it: a UTC day, or a time. '' for what the API reads itself; null for
 * what nobody does. `7d` is the first of 7 days of which today is the last.
 */
export function momentOf(word: string, nowMs: number): string | null {
  if (/^\d{4}-\d\d-\d\d/.test(word)) return '';
  if (word === 'today') return dayOf(nowMs);
  if (word === 'yesterday') return dayOf(nowMs - dayMs);
  if (word === 'month') return `${dayOf(nowMs).slice(0, 'YYYY-MM'.length)}-01`;
  const weekday = weekdays.indexOf(word);
  if (weekday >= 0) return dayOf(nowMs - ((new Date(nowMs).getUTCDay() - weekday + 7) % 7) * dayMs);
  const [, digits, unit] = /^(\d{1,4})([hdw])$/.exec(word) ?? [];
  const count = Number(digits);
  if (unit === undefined || count === 0) return null;
  if (unit === 'h') return timeText(nowMs - count * 3_600_000);
  return dayOf(nowMs - (count * (unit === 'w' ? 7 : 1) - 1) * dayMs);
}

function timeText(atMs: number): string {
  return new Date(atMs).toISOString();
}
