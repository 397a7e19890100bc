import { z } from 'zod';
import { Refusal } from '../base/refusal.ts';

/** The formats of reports. The first one is the default. */
export const formats = ['json', 'csv', 'ndjson'] as const;
export type Format = (typeof formats)[number];

export const mediaTypes = {
  json: 'application/json',
  csv: 'text/csv',
  ndjson: 'application/x-ndjson',
} as const satisfies Record<Format, string>;

/** The parameter `format`. */
export const formatParameter = z
  .enum(formats, `must be one of ${formats.join(', ')}`)
  .meta({ description: 'Wins over Accept.' })
  .exactOptional();

interface Range {
  type: string;
  subtype: string;
  quality: number;
}

/** The format for a request: the one in `?format=`, else the one that its `Accept` prefers (RFC 9110, 12.5.1). */
export function formatFor(named: Format | undefined, accept: string | undefined): Format | Refusal {
  if (named !== undefined) return named;
  if (accept === undefined || accept.trim() === '') return 'json';
  const ranges = accept.split(',').flatMap(rangeOf);
  const [best] = formats
    .map((format) => ({ format, ...preferenceFor(mediaTypes[format], ranges) }))
    .filter(({ quality }) => quality > 0)
    // Sorting is stable, so among equals the first of `formats` wins.
    .sort((a, b) => b.quality - a.quality || b.precision - a.precision);
  return best?.format ?? notAcceptable();
}

/** A range such as `text/*;q=0.5`; empty if the text is not a range. */
function rangeOf(text: string): Range[] {
  const [range = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const [type = '', subtype = '', ...more] = range.split('/');
  if (type === '' || subtype === '' || more.length > 0) return [];
  const [, quality = '1'] =
    /^q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.exec(parameters.find(isQuality) ?? '') ?? [];
  return [{ type, subtype, quality: Number(quality) }];
}

function isQuality(parameter: string): boolean {
  return /^q\s*=/.test(parameter);
}

/** How much a media type is preferred, according to the most specific range that matches it. */
function preferenceFor(mediaType: string, ranges: readonly Range[]): { quality: number; precision: number } {
  const [type, subtype] = mediaType.split('/');
  const matching = ranges
    .map((range) => ({ ...range, precision: (range.type === '*' ? 0 : 1) + (range.subtype === '*' ? 0 : 1) }))
    .filter(
      (range) =>
        (range.type === '*' && range.subtype === '*') ||
        (range.type === type && ['*', subtype].includes(range.subtype)),
    )
    .sort((a, b) => b.precision - a.precision || b.quality - a.quality);
  return { quality: matching[0]?.quality ?? 0, precision: matching[0]?.precision ?? 0 };
}

function notAcceptable(): Refusal {
  const message = `The formats are ${Object.values(mediaTypes).join(', ')}. Choose one in Accept or with ?format=${formats.join('|')}.`;
  return new Refusal('invalid_request', message, { status: 406, param: 'accept' });
}
