import { describe, expect, it } from 'vitest';
import { formFor, type Format } from '../../../src/reports/formats.ts';
import { Refusal } from '../../../src/base/refusal.ts';

/** The format of a form. */
function formatFor(format: Format | undefined, accept: string | undefined): Format | Refusal {
  const form = formFor({ format }, accept);
  return form instanceof Refusal ? form : form.format;
}

describe('the format', () => {
  it.each<[string | undefined, Format]>([
    [undefined, 'json'],
    ['', 'json'],
    ['*/*', 'json'],
    ['application/json', 'json'],
    ['application/*', 'json'],
    ['text/csv', 'csv'],
    ['text/*', 'csv'],
    ['TEXT/CSV; charset=utf-8', 'csv'],
    ['application/x-ndjson', 'ndjson'],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'json'],
    ['text/csv, */*', 'csv'],
    ['text/csv;q=0.5, application/json;q=0.4', 'csv'],
    ['text/csv;q=0.5, application/json', 'json'],
    ['text/csv;q=0.1, application/x-ndjson;q=0.2, */*;q=0.1', 'ndjson'],
    ['application/json;q=0, */*', 'csv'],
    ['application/*;q=0.5, application/x-ndjson;q=0.7, text/csv;q=0.6', 'ndjson'],
    ['application/json;q=0, application/*', 'ndjson'],
    ['text/csv ; q=0.001, nonsense, /, a/b/c', 'csv'],
  ])('of Accept: %s is %s', (accept, format) => {
    expect(formatFor(undefined, accept)).toBe(format);
  });

  it.each(['text/html', 'image/png, application/pdf;q=0.5', '*/*;q=0', 'nonsense', 'text/csv;q=0.0', 'csv'])(
    'of Accept: %s is none: 406',
    (accept) => {
      const refusal = formatFor(undefined, accept);
      expect(refusal).toBeInstanceOf(Refusal);
      expect(refusal).toMatchObject({ code: 'invalid_request', status: 406 });
    },
  );

  it('is the one that is named, whatever Accept says', () => {
    expect(formatFor('csv', 'application/json')).toBe('csv');
    expect(formatFor('json', 'text/html')).toBe('json');
  });
});

describe('a byte order mark', () => {
  it('is of CSV only, however that was asked for', () => {
    expect(formFor({ bom: true, format: 'csv' }, undefined)).toEqual({ format: 'csv', bom: true });
    expect(formFor({ bom: true }, 'text/csv')).toEqual({ format: 'csv', bom: true });
    expect(formFor({ bom: false }, undefined)).toEqual({ format: 'json', bom: false });
    for (const form of [{ bom: true }, { bom: true, format: 'ndjson' as const }]) {
      const refusal = formFor(form, undefined);
      expect(refusal).toMatchObject({ code: 'invalid_request', details: { param: 'bom' } });
    }
  });
});
