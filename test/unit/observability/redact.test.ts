import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Redactor } from '../../../src/observability/redact.ts';

describe('redaction', () => {
  it.each([
    ['a user token', 'refused tgk_0123456789abcdefABCDEF for ana', 'refused [redacted] for ana'],
    ['a session token', 'tgs_abc', '[redacted]'],
    ['an administrator token', '"tga_abc"', '"[redacted]"'],
    ['an inference key', 'key inf-0f8fad5b-d9cb-469f-a165-70867728950e!', 'key [redacted]!'],
    ['an Authorization header', 'Authorization: Bearer sk-123,abc', 'Authorization: [redacted],abc'],
    ['a bearer in lower case', 'bearer abc.def', '[redacted]'],
  ])('masks %s', (_what, text, clean) => {
    expect(new Redactor().redact(text)).toBe(clean);
  });

  it.each(['the bearer', 'info-level', 'tgx_abc', 'inf-lation', ''])('leaves %j alone', (text) => {
    expect(new Redactor().redact(text)).toBe(text);
  });

  it('masks a registered secret as it is and as it stands in a URL', () => {
    const redactor = new Redactor();
    redactor.protect('p@ss/word+1');
    expect(redactor.redact('redis://:p%40ss%2Fword%2B1@host and p@ss/word+1')).toBe(
      'redis://:[redacted]@host and [redacted]',
    );
  });

  it('does not take a short word for a secret', () => {
    const redactor = new Redactor();
    redactor.protect('redis');
    redactor.protect('');
    expect(redactor.redact('redis is gone')).toBe('redis is gone');
  });

  it('lets no registered secret through, wherever it stands', () => {
    const secret = fc.string({ minLength: 6, maxLength: 60, unit: 'grapheme-ascii' });
    fc.assert(
      fc.property(secret, fc.string(), fc.string(), (hidden, before, after) => {
        fc.pre(!'[redacted]'.includes(hidden));
        const redactor = new Redactor();
        redactor.protect(hidden);
        expect(redactor.redact(`${before}${hidden}${after}`).replaceAll('[redacted]', '')).not.toContain(
          hidden,
        );
      }),
    );
  });
});
