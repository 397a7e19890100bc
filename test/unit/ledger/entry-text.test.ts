import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeEntry,
  decodeTotalsRow,
  encodeEntry,
  encodeTotalsRow,
  type TotalsRow,
} from '../../../src/ledger/entry-text.ts';
import type { EntryRecord } from '../../../src/ledger/entry.ts';
import { readBack } from './entries.ts';

const slug = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,38}$/);
const model = fc.stringMatching(/^[A-Za-z0-9._:/-]{1,128}$/);
const requestId = fc.stringMatching(/^[A-Za-z0-9+/=-]{20,200}$/);
const id = fc.stringMatching(/^[A-Za-z0-9_-]{1,40}$/);
const endpoint = fc.constantFrom('/v1/chat/completions', '/v1/embeddings', '/v1/images/generations');
/** Any text without control characters. */
const visitor = fc
  .string({ minLength: 1, maxLength: 64, unit: 'grapheme' })
  .filter((text) => !/\p{Cc}/u.test(text));
const count = fc.nat(Number.MAX_SAFE_INTEGER);

const anyRecord: fc.Arbitrary<EntryRecord> = fc.record({
  id,
  request_id: requestId,
  admittedAtMs: fc.nat(Date.UTC(2500, 0, 1)),
  team: slug,
  user: slug,
  token_id: id,
  session_id: fc.option(id),
  end_user: fc.option(visitor),
  endpoint,
  model,
  status: fc.nat(599),
  outcome: fc.constantFrom('ok', 'error', 'aborted', 'lost'),
  error_code: fc.option(fc.constantFrom('upstream_error', 'shutdown', 'upstream_timeout')),
  input_tokens: count,
  output_tokens: count,
  images: count,
  search_units: count,
  costNanoUsd: fc.option(count),
  usage: fc.constantFrom('reported', 'estimated'),
  stream: fc.boolean(),
  duration_ms: count,
  ttfb_ms: fc.option(count),
});

const [sample] = fc.sample(anyRecord, { numRuns: 1, seed: 1 });
if (!sample) throw new Error('There is no sample.');

describe('the text of an entry', () => {
  it('gives the entry back', () => {
    fc.assert(
      fc.property(anyRecord, (entry) => {
        expect(decodeEntry(encodeEntry(entry))).toEqual(readBack(entry));
      }),
    );
  });

  it('has the model that was asked for, where another one answered', () => {
    const entry = { ...sample, model: 'nova-pro', model_requested: 'claude' };
    expect(decodeEntry(encodeEntry(entry))).toEqual(readBack(entry));
    expect(decodeEntry(encodeEntry(sample))).not.toHaveProperty('model_requested');
  });

  it('rounds durations', () => {
    const entry = { ...sample, duration_ms: 1.6, ttfb_ms: 0.4 };
    expect(decodeEntry(encodeEntry(entry))).toMatchObject({ duration_ms: 2, ttfb_ms: 0 });
  });

  it('is one line that control characters of callers cannot break', () => {
    const entry = { ...sample, request_id: 'a\tb\nc', model: 'x\u0000y\r\tz' };
    const text = encodeEntry(entry);
    expect(text.split('\t')).toHaveLength(encodeEntry(sample).split('\t').length);
    expect(decodeEntry(text)).toEqual(readBack({ ...entry, request_id: 'a b c', model: 'x y  z' }));
  });

  it('is read by an older process when a newer one has appended fields', () => {
    expect(decodeEntry(`${encodeEntry(sample)}\tnew\t1`)).toEqual(readBack(sample));
  });

  it('is short, since a 25 MB store is full of it', () => {
    const entry = {
      ...sample,
      request_id: '5b3c0b3e-6f5c-4d56-9f0e-2c1d7b8a9e10',
      model: 'claude-4-5-sonnet',
    };
    const text = encodeEntry({ ...entry, endpoint: '/v1/chat/completions', team: 'acme', user: 'ana' });
    expect(text.length).toBeLessThan(JSON.stringify(entry).length / 2);
  });
});

describe('the name of a totals row', () => {
  it('gives the row back', () => {
    const row: fc.Arbitrary<TotalsRow> = fc.record({ team: slug, user: slug, token: id, model, endpoint });
    fc.assert(
      fc.property(row, (each) => {
        expect(decodeTotalsRow(encodeTotalsRow(each))).toEqual(each);
      }),
    );
  });

  it('is not broken by a model name with tabs', () => {
    const row = { team: 'a', user: 'b', token: 'c', model: 'd\te', endpoint: '/f' };
    expect(decodeTotalsRow(encodeTotalsRow(row))).toEqual({ ...row, model: 'd e' });
  });
});
