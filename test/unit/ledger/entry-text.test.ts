import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eachField, noFigures } from '../../../src/base/figures.ts';
import { decodeEntry, encodeEntry } from '../../../src/ledger/entry-text.ts';
import { decodeTotalsRow, encodeTotalsRow, type TotalsRow } from '../../../src/ledger/totals.ts';
import type { EntryRecord } from '../../../src/ledger/entry.ts';

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
  tags: fc.constantFrom('', 'project=x', 'env=test,project=x'),
  endpoint,
  model,
  model_requested: fc.option(model),
  model_accepted: fc.boolean(),
  status: fc.nat(599),
  outcome: fc.constantFrom('ok', 'error', 'aborted', 'lost'),
  error_code: fc.option(fc.constantFrom('upstream_error', 'shutdown', 'upstream_timeout')),
  ...eachField(() => count),
  costNanoUsd: fc.option(count),
  usage: fc.constantFrom('reported', 'estimated'),
  stream: fc.boolean(),
  duration_ms: count,
  ttfb_ms: fc.option(count),
});

const [sample] = fc.sample(anyRecord, { numRuns: 1, seed: 1 });
if (!sample) throw new Error('There is no sample.');

describe('the text of an entry', () => {
  /** As the first version of the table of fields wrote it: stores hold such texts. */
  it.each([
    [
      {
        id: 'p0123456789-abc',
        request_id: '5b3c0b3e-6f5c-4d56-9f0e-2c1d7b8a9e10',
        admittedAtMs: 1_769_860_800_123,
        team: 'acme',
        user: 'ana',
        token_id: 'tok_1',
        session_id: 'ses_1',
        end_user: 'Zoë',
        tags: '',
        endpoint: '/v1/rerank',
        model: 'rerank 3',
        model_requested: 'other',
        model_accepted: false,
        status: 200,
        outcome: 'ok',
        error_code: null,
        ...noFigures,
        inputTokens: 1,
        outputTokens: 2,
        images: 3,
        searchUnits: 4,
        costNanoUsd: 5,
        usage: 'reported',
        stream: true,
        duration_ms: 812,
        ttfb_ms: 800,
      } satisfies EntryRecord,
      'p0123456789-abc\t5b3c0b3e-6f5c-4d56-9f0e-2c1d7b8a9e10\t1769860800123\tacme\tana\ttok_1\tses_1\t/v1/rerank\t?rerank 3\t200\to\t\t1\t2\t3\tr\t1\t812\t800\tZoë\t5\t4\tother',
    ],
    [
      {
        id: 'p-1',
        request_id: 'r',
        admittedAtMs: 0,
        team: 'a',
        user: 'b',
        token_id: 't',
        session_id: null,
        end_user: null,
        tags: '',
        endpoint: '/v1/chat/completions',
        model: 'm',
        model_requested: null,
        model_accepted: true,
        status: 0,
        outcome: 'lost',
        error_code: 'shutdown',
        ...noFigures,
        costNanoUsd: null,
        usage: 'estimated',
        stream: false,
        duration_ms: 0,
        ttfb_ms: null,
      } satisfies EntryRecord,
      'p-1\tr\t0\ta\tb\tt\t\t/v1/chat/completions\tm\t0\tl\tshutdown\t0\t0\t0\te\t0\t0\t\t\t\t\t',
    ],
  ])('begins as it always did, and is read as it always was (%#)', (entry, text) => {
    expect(encodeEntry(entry).slice(0, text.length)).toBe(text);
    expect(decodeEntry(text)).toEqual(entry);
  });

  it('gives the entry back', () => {
    fc.assert(
      fc.property(anyRecord, (entry) => {
        expect(decodeEntry(encodeEntry(entry))).toEqual(entry);
      }),
    );
  });

  it('rounds durations', () => {
    const entry = { ...sample, duration_ms: 1.6, ttfb_ms: 0.4 };
    expect(decodeEntry(encodeEntry(entry))).toMatchObject({ duration_ms: 2, ttfb_ms: 0 });
  });

  it('is one line that control characters of callers cannot break', () => {
    const entry = { ...sample, request_id: 'a\tb\nc', model: 'x\u0000y\r\tz' };
    const text = encodeEntry(entry);
    expect(text.split('\t')).toHaveLength(encodeEntry(sample).split('\t').length);
    expect(decodeEntry(text)).toEqual({ ...entry, request_id: 'a b c', model: 'x y  z' });
  });

  it('is read by an older process when a newer one has appended fields', () => {
    expect(decodeEntry(`${encodeEntry(sample)}\tnew\t1`)).toEqual(sample);
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
  it('is what it always was', () => {
    const row = { team: 'a', user: 'b', token: 'c', model: 'd', endpoint: '/f' };
    expect(encodeTotalsRow(row)).toBe('a\tb\tc\td\t/f');
  });

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
