import { beforeEach, describe, expect, it } from 'vitest';
import { Refusal } from '../../../src/base/refusal.ts';
import { ResponseKey } from '../../../src/limits/kept-items.ts';
import { ItemsKeeper } from '../../../src/proxy/items-keeper.ts';

const random = '0123456789abcdef0123456789abcdef';
const message = { id: `msg_${random}1`, type: 'message', content: [{ type: 'output_text', text: 'Größe' }] };
const response = {
  id: `resp_${random}`,
  output: [{ id: `rs_${random}0`, type: 'reasoning', summary: [] }, message],
};
const key = new ResponseKey('acme/tok_1', random);

const holding = {
  bytes: 0,
  most: Infinity,
  kept(bytes: number): Refusal | null {
    if (bytes > this.most) return new Refusal('overloaded', 'Full.');
    this.bytes = bytes;
    return null;
  },
};

beforeEach(() => {
  holding.bytes = 0;
  holding.most = Infinity;
});

function keeperOf(type: string, status = 200): ItemsKeeper {
  const keeper = new ItemsKeeper('acme/tok_1', holding);
  keeper.begin(status, ['content-type', type]);
  return keeper;
}

const latin1 = (text: string): string => Buffer.from(text).toString('latin1');
const event = (type: string, more: object): string =>
  latin1(`event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`);

async function itemsIn(keeper: ItemsKeeper): Promise<readonly object[] | null> {
  const kept = keeper.take();
  expect(holding.bytes).toBe(0);
  return kept && key.unseal(kept.sealed);
}

describe('the items that are kept of a response', () => {
  it('are those of a plain one, without what the model thought', async () => {
    const keeper = keeperOf('application/json');
    keeper.add(latin1(JSON.stringify(response)));
    expect(holding.bytes).toBeGreaterThan(0);
    expect(await itemsIn(keeper)).toEqual([message]);
    expect(keeper.take()).toBeNull();
  });

  it.each(['response.completed', 'response.incomplete'])(
    'are those of the last event of a stream, %s',
    async (last) => {
      const keeper = keeperOf('text/event-stream; charset=utf-8');
      keeper.add(event('response.created', { response: { id: response.id, output: [] } }));
      keeper.add(event('response.output_text.delta', { delta: `\nevent: ${last}\ndata: {"response": 1}` }));
      expect(holding.bytes).toBe(0);
      keeper.add(
        `${event('response.output_item.done', { item: message })}${event(last, { response })}data: [DONE]\n\n`,
      );
      expect(keeper.gathers).toBe(true);
      expect(await itemsIn(keeper)).toEqual([message]);
    },
  );

  it.each<[string, object | string]>([
    ['failed', event('response.failed', { response })],
    ['failed and plain', { ...response, status: 'failed' }],
    ['an error', { error: { message: 'No.' } }],
    ['of another id', { ...response, id: 'chatcmpl-1' }],
    ['without items', { ...response, output: [] }],
  ])('are none of one that is %s', async (_, answer) => {
    const isStream = typeof answer === 'string';
    const keeper = keeperOf(isStream ? 'text/event-stream' : 'application/json');
    keeper.add(isStream ? answer : JSON.stringify(answer));
    expect(await itemsIn(keeper)).toBeNull();
  });

  it('are none if the answer is refused, too large, or its caller has no room', async () => {
    const refused = keeperOf('application/json', 400);
    refused.add(JSON.stringify(response));
    expect(await itemsIn(refused)).toBeNull();
    const large = keeperOf('application/json');
    large.add(JSON.stringify({ ...response, instructions: 'x'.repeat(300_000) }));
    expect([large.gathers, await itemsIn(large)]).toEqual([false, null]);
    holding.most = 100;
    const crowded = keeperOf('application/json');
    crowded.add(JSON.stringify(response));
    expect([crowded.gathers, await itemsIn(crowded)]).toEqual([false, null]);
  });
});
