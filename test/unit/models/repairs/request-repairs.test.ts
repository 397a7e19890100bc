import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../../src/base/request.ts';
import { RequestRepairs } from '../../../../src/models/repairs/request-repairs.ts';

const model = 'claude-4-5-haiku';
const path = '/v1/chat/completions';
const bound = 'max_tokens: 32000 > 64, which is the maximum allowed number of output tokens';

/** What is learned of the model from a request that an upstream refused so, and took when it was changed. */
function learnedFrom(body: JsonObject, message: string): readonly object[] {
  const repairs = new RequestRepairs({
    clock: { now: () => 0, monotonic: () => 0 },
    log: { info() {}, warn() {}, error() {} },
  });
  const answer = JSON.stringify({ error: { message } });
  const bytes = Buffer.from(JSON.stringify({ model, ...body }));
  repairs.repair({ model, path, betas: '', body: bytes, answer })?.confirm();
  return repairs.known(model, path, '');
}

describe('what an upstream refuses', () => {
  it("is learned from the upstream's own words", () => {
    expect(learnedFrom({ max_tokens: 32_000 }, bound)).toEqual([{ kind: 'lower', max: 64 }]);
    expect(learnedFrom({ store: true }, "Unknown parameter: 'store'")).toEqual([
      { kind: 'drop', path: ['store'] },
    ]);
  });

  it.each<[string, JsonObject]>([
    ['the value of a field', { store: bound }],
    ['a name', { store: true, metadata: { [bound]: 1 } }],
    ['a prompt', { store: true, messages: [{ role: 'user', content: `Why: ${bound}?` }] }],
    [
      'a long prompt',
      {
        store: true,
        messages: [{ role: 'user', content: `${'x '.repeat(1_100)}${bound}${'x '.repeat(900)}` }],
      },
    ],
  ])('is not learned if a caller said it in %s, and the upstream quotes that', (_, said) => {
    const message = `Unknown parameter: 'store'. The request was: ${bound}`;
    const learned = learnedFrom({ max_tokens: 32_000, ...said }, message);
    expect(learned).not.toContainEqual(expect.objectContaining({ kind: 'lower' }));
  });

  it('is not learned from a request too large to be read for that', () => {
    const long = { messages: [{ role: 'user', content: 'x'.repeat(300_000) }] };
    expect(learnedFrom({ max_tokens: 32_000, ...long }, bound)).toEqual([]);
  });
});
