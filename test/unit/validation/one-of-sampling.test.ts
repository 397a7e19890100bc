import { describe, expect, it } from 'vitest';
import { Refusal } from '../../../src/base/refusal.ts';
import type { JsonObject } from '../../../src/base/request.ts';
import { chat } from '../../../src/validation/endpoints/chat.ts';
import { withOneOfSampling } from '../../../src/validation/one-of-sampling.ts';
import { accepted } from './verdict.ts';

const base: JsonObject = { model: 'm', messages: [{ role: 'user', content: 'x' }], max_tokens: 5 };

function mend(sampling: JsonObject): JsonObject | Refusal {
  const result = withOneOfSampling(accepted(chat, { ...base, ...sampling }));
  return result instanceof Refusal ? result : result.body;
}

describe('of temperature and top_p', () => {
  it.each<[JsonObject, JsonObject]>([
    [{ temperature: 1, top_p: 0.999 }, { temperature: 1 }],
    [{ temperature: 0.3, top_p: 0.999 }, { temperature: 0.3 }],
    [{ temperature: 0.3, top_p: 1 }, { temperature: 0.3 }],
    [{ temperature: 1, top_p: 0.5 }, { top_p: 0.5 }],
  ])('the one that is the default goes: %j', (sampling, left) => {
    expect(mend(sampling)).toEqual({ ...base, ...left });
  });

  it.each<JsonObject>([{}, { temperature: 0.3 }, { top_p: 0.5 }, { temperature: null, top_p: 0.5 }])(
    'one alone stays: %j',
    (sampling) => expect(mend(sampling)).toEqual({ ...base, ...sampling }),
  );

  it('two that say something are refused, with the remedy', () => {
    const refusal = mend({ temperature: 0.3, top_p: 0.5 });
    expect(refusal).toMatchObject({ code: 'invalid_body', details: { param: 'temperature' } });
    expect((refusal as Refusal).message).toMatch(/leave one of them out/);
  });
});
