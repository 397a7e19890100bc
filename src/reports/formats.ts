import { z } from 'zod';
import { invalidBody, Refusal } from '../base/refusal.ts';

/** The formats of reports. The first one is the default. */
export const formats = ['json', 'csv', 'ndjson'] as const;
export type Format = (typeof formats)[number];

export const mediaTypes = {
  json: 'application/json',
  csv: 'text/csv',
  ndjson: 'application/x-ndjson',
} as const satisfies Record<Format, string>;

/** How a report is asked to be written. */
export interface Form {
  format?: Format | undefined;
  bom?: boolean | undefined;
}

export interface CheckedForm {
  format: Format;
  /** Only of CSV. */
  bom: boolean;
}

/** The parameters of it. */
export const formParameters = {
  format: z
    .enum(formats, `must be one of ${formats.join(', ')}`)
    .meta({ description: 'Wins over Accept.' })
    .exactOptional(),
  bom: z
    .enum(['true', 'false'], 'must be true or false')
    .transform((text) => text === 'true')
    .meta({ description: 'true: CSV begins with a byte order mark, so that Excel reads it as UTF-8.' })
    .exactOptional(),
};

interface Range {
  type: string;
  subtype: string;
  quality: number;
}

/** How a report is written: as `?format=` names, else as `Accept` prefers (RFC 9110, 12.5.1). */
export function formFor(
  { format: named, bom = false }: Form,
  accept: string | undefined,
): CheckedForm | Refusal {
  const format = named ?? preferredFormat(accept);
  if (format instanceof Refusal) return format;
  if (!bom || format === 'csv') return { format, bom };
  const message = 'bom is only for CSV: add format=csv, or leave it out.';
  return invalidBody([{ param: 'bom', message }], 'invalid_request');
}

/** The format that `Accept` prefers. */
function preferredFormat(accept: string | undefined): Format | Refusal {
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
