import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { noFigures } from '../../../src/base/figures.ts';
import { AccessFields, type AccessLine } from '../../../src/observability/access-line.ts';

const masks = (text: string): string => text.replaceAll('secret', '[redacted]');

/** Few values of each field, so that lines differ in one of them. */
const anyLine: fc.Arbitrary<AccessLine> = fc.record({
  request_id: fc.constantFrom('id-1', 'secret"id'),
  isOwnRequestId: fc.constant(false),
  method: fc.constantFrom('POST', 'GET'),
  path: fc.constantFrom('/v1/a', '/v1/secret?x=1', '/v1/"'),
  status: fc.constantFrom(200, 429),
  outcome: fc.constantFrom('ok', 'refused'),
  error_code: fc.constantFrom(null, 'rate_limit_exceeded'),
  team: fc.constantFrom(null, 'acme', 'other'),
  user: fc.constantFrom(null, 'ana', 'bob'),
  token_id: fc.constantFrom(null, 'tok_1', 'tok_2'),
  model: fc.constantFrom(null, 'm', 'secret-model'),
  model_requested: fc.constantFrom(null, 'm', 'n'),
  stream: fc.boolean(),
  duration_ms: fc.nat(),
  ttfb_ms: fc.constantFrom(null, 1),
  figures: fc.constant(noFigures),
  upstream: fc.constantFrom(null, 'INFERENCE'),
  limit: fc.constantFrom(null, 'token requests/minute'),
});

describe('the fields of a line', () => {
  it('are those of this line, whatever lines came before', () => {
    const fields = new AccessFields(masks);
    fc.assert(
      fc.property(anyLine, (line) => {
        expect(fields.text(line)).toBe(new AccessFields(masks).text(line));
      }),
      { numRuns: 3_000 },
    );
  });

  it('are cleaned again once more is to be masked', () => {
    let secret = 'nothing';
    const fields = new AccessFields((text) => text.replaceAll(secret, '[redacted]'));
    const [line] = fc.sample(anyLine, 1);
    if (!line) throw new Error('There is no line.');
    const told = { ...line, model: 'hush' };
    expect(fields.text(told)).toContain('"model":"hush"');
    secret = 'hush';
    fields.forget();
    expect(fields.text(told)).toContain('"model":"[redacted]"');
  });
});
