import { describe, expect, it } from 'vitest';
import { Refusal } from '../../../src/base/refusal.ts';
import type { JsonObject } from '../../../src/base/request.ts';
import { referredResponses, withReferredItems } from '../../../src/data-plane/item-references.ts';
import { ResponseKey } from '../../../src/limits/kept-items.ts';

const first = '1'.repeat(32);
const second = '2'.repeat(32);
const messageOf = (random: string): JsonObject => ({ id: `msg_${random}0`, type: 'message', text: random });
const refer = (id: string): JsonObject => ({ type: 'item_reference', id });
const hello = { role: 'user', content: 'Hello' };

const kept = new Map(
  [first, second].map((random) => {
    const { id, sealed = '' } = new ResponseKey('acme/tok_1', random).seal([messageOf(random)]) ?? { id: '' };
    return [id, sealed];
  }),
);

function callOf({ owner = 'acme/tok_1', maxBodyBytes = 10_000, room = Infinity } = {}) {
  const held = { body: 100, kept: 0, most: 0, reads: 0 };
  const take = (part: 'body' | 'kept') => (bytes: number) => {
    if (bytes > room) return new Refusal('overloaded', 'Full.');
    held[part] = bytes;
    held.most = Math.max(held.most, held.kept);
    return null;
  };
  return {
    held,
    owner,
    bodyBytes: 100,
    maxBodyBytes,
    holding: { body: take('body'), kept: take('kept') },
    store: {
      read: (ids: readonly string[]) => {
        held.reads += 1;
        return Promise.resolve(ids.map((id) => kept.get(id) ?? ''));
      },
    },
  };
}

const filled = async (input: JsonObject[], call = callOf()): Promise<JsonObject | Refusal> => {
  const body = { model: 'm', input };
  return withReferredItems(body, referredResponses(body), call);
};

describe('the responses that a request refers to', () => {
  it('are told by the ids of its references, each once', () => {
    const input = [
      hello,
      refer(`msg_${first}0`),
      refer(`fc_${first}12`),
      { id: `ctc_${second}0` },
      { id: `msg_${'3'.repeat(32)}0`, role: 'assistant', content: 'not a reference' },
      refer(`rs_${'4'.repeat(32)}0`),
      refer('msg_of_another_gateway'),
    ];
    expect(referredResponses({ input })).toEqual([first, second]);
  });

  it.each([undefined, null, 'text', [], [1, null, 'x']])('are none in %j', (input) => {
    expect(referredResponses({ input } as JsonObject)).toEqual([]);
  });
});

describe('references', () => {
  it('give place to their items, by one call of the store, as often as they come', async () => {
    const call = callOf();
    const input = [hello, refer(`msg_${first}0`), { id: `msg_${second}0` }, refer(`msg_${first}0`), hello];
    const body = await filled(input, call);
    const [a, b] = [messageOf(first), messageOf(second)];
    expect(body).toEqual({ model: 'm', input: [hello, a, b, a, hello] });
    const added = [a, b, a].reduce((sum, item) => sum + JSON.stringify(item).length, 0);
    expect(call.held).toMatchObject({ reads: 1, kept: 0, body: 100 + added });
    expect(call.held.most).toBeGreaterThan(0);
  });

  it("stay if nothing is kept, of another's response, and of an item that it did not have", async () => {
    const input = [refer(`msg_${'3'.repeat(32)}0`), refer(`msg_${first}7`)];
    expect(await filled(input)).toEqual({ model: 'm', input });
    const others = [refer(`msg_${first}0`)];
    expect(await filled(others, callOf({ owner: 'acme/tok_2' }))).toEqual({ model: 'm', input: others });
  });

  it('are refused if they name too many, make the body too large, or find no room', async () => {
    const many = Array.from({ length: 101 }, (_, n) => refer(`msg_${String(n).padStart(32, '0')}0`));
    expect(await filled(many)).toMatchObject({ code: 'invalid_body', details: { param: 'input' } });
    const twice = [refer(`msg_${first}0`), refer(`msg_${first}0`)];
    expect(await filled(twice, callOf({ maxBodyBytes: 250 }))).toMatchObject({ code: 'body_too_large' });
    const crowded = callOf({ room: 1_000 });
    expect(await filled(twice, crowded)).toMatchObject({ code: 'overloaded' });
    expect(crowded.held).toMatchObject({ reads: 0, kept: 0 });
  });
});
