import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eachField } from '../../../src/base/figures.ts';
import { decodeOpen, encodeOpen, type OpenRequest } from '../../../src/limits/open-record.ts';
import { openRequest } from './samples.ts';

describe('an open record', () => {
  const word = fc.stringMatching(/^[A-Za-z0-9._:/=+-]{1,40}$/);
  const count = fc.nat(Number.MAX_SAFE_INTEGER);
  const anyRequest: fc.Arbitrary<OpenRequest> = fc.record({
    requestId: word,
    team: word,
    user: word,
    tokenId: word,
    sessionId: fc.option(word),
    endpoint: word,
    model: word,
    modelKnown: fc.boolean(),
    stream: fc.boolean(),
    ...eachField(() => count),
    requests: fc.constant(1),
    nanoUsd: fc.option(count),
    slots: fc.array(word, { maxLength: 4 }),
    tags: fc.constantFrom('', 'project=x', 'env=test,project=x'),
    held: fc.constantFrom('', 'lim_a d 5;@/lim_b M 7;'),
    keyed: fc.constantFrom('', 'id fingerprint'),
    endUser: fc.option(
      fc.string({ minLength: 1, maxLength: 64, unit: 'grapheme' }).filter((text) => !/\p{Cc}/u.test(text)),
    ),
  });

  it('begins as it always did, and is read as it always was', () => {
    const request = openRequest({
      sessionId: 'ses_1',
      endUser: 'Zoë',
      nanoUsd: 5,
      searchUnits: 4,
      slots: ['a', 'b'],
    });
    const text =
      'a-request-id-of-the-caller\tacme\tana\ttok_1\tses_1\t/v1/chat/completions\tclaude-4-sonnet\t1\t0\t10\t90\t0\ta,b\tZoë\t5\t4';
    expect(encodeOpen(request).slice(0, text.length)).toBe(text);
    expect(decodeOpen(text)).toEqual(request);
  });

  it('gives back the request it was made of', () => {
    fc.assert(
      fc.property(anyRequest, (request) => {
        expect(decodeOpen(encodeOpen(request))).toEqual(request);
      }),
    );
  });

  it('is read by an older process when a newer one has appended fields', () => {
    const request = openRequest({ slots: ['team-concurrency'] });
    expect(decodeOpen(`${encodeOpen(request)}\tnew\t1`)).toEqual(request);
  });

  it('of an older process, which knew of no search units, has none', () => {
    const request = openRequest();
    const older = encodeOpen(request).split('\t').slice(0, 15).join('\t');
    expect(decodeOpen(older)).toEqual(request);
  });

  it('is a line of plain ASCII a few hundred bytes long', () => {
    expect(encodeOpen(openRequest())).toMatch(/^[\t\x20-\x7e]{1,300}$/);
  });
});
