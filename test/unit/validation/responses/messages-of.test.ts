import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../../../src/base/request.ts';
import { Adjustments } from '../../../../src/validation/responses/adjustments.ts';
import { messagesOf } from '../../../../src/validation/responses/messages-of.ts';
import { growth, linear } from '../../../support/growth.ts';
import { responses } from '../../../../src/validation/endpoints/responses.ts';
import { accepted } from '../verdict.ts';

/* Whatever is said in items, in whatever order calls and their outputs come, is said once in the chat. */

type Step =
  'user' | 'system' | 'text' | 'parts' | 'image' | 'call' | 'custom' | 'output' | 'picture' | 'reasoning';
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.constantFrom<Step[]>(
    'user',
    'system',
    'text',
    'parts',
    'image',
    'call',
    'call',
    'custom',
    'output',
    'output',
    'picture',
    'reasoning',
  ),
  { minLength: 1, maxLength: 30 },
);

interface Conversation {
  items: JsonValue[];
  /** Texts that the model must see. */
  said: string[];
}

/** Items by these steps; outputs answer the oldest open call, and calls that stay open are answered at the end. */
function conversationOf(all: readonly Step[]): Conversation {
  const items: JsonValue[] = [];
  const said: string[] = [];
  const open: { type: string; call_id: string }[] = [];
  const say = (): string => {
    said.push(`<${said.length}>`);
    return said.at(-1) ?? '';
  };
  const answer = (output: () => JsonValue): void => {
    const call = open.shift();
    if (call) items.push({ type: `${call.type}_output`, call_id: call.call_id, output: output() });
  };
  for (const [index, step] of all.entries()) {
    const id = `call_${index}`;
    switch (step) {
      case 'user':
      case 'system':
        items.push({ role: step, content: say() });
        break;
      case 'text':
        items.push({ type: 'message', role: 'assistant', content: [{ type: 'output_text', text: say() }] });
        break;
      case 'parts':
        items.push({ role: 'assistant', content: [text(say()), { type: 'refusal', refusal: say() }] });
        break;
      case 'image':
        items.push({ role: 'user', content: [{ type: 'input_image', image_url: `https://${say()}` }] });
        break;
      case 'call':
        items.push({ type: 'function_call', call_id: id, name: 'f', arguments: `{"a":"${say()}"}` });
        open.push({ type: 'function_call', call_id: id });
        break;
      case 'custom':
        items.push({ type: 'custom_tool_call', call_id: id, name: 'g', input: say() });
        open.push({ type: 'custom_tool_call', call_id: id });
        break;
      case 'output':
        answer(say);
        break;
      case 'picture':
        answer(() => [text(say()), { type: 'input_image', image_url: `https://${say()}` }]);
        break;
      case 'reasoning':
        items.push({ type: 'reasoning', summary: [text('hidden')] });
    }
  }
  while (open.length > 0) answer(say);
  return { items, said };
}

function text(value: string): JsonObject {
  return { type: 'input_text', text: value };
}

it('says everything once, and has each result right behind the turn of its call', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const { items, said } = conversationOf(all);
      const input = [...items, { role: 'user', content: 'End' }];
      const messages = accepted(responses, { model: 'm', input }).body['messages'] as JsonObject[];
      const written = JSON.stringify(messages);
      for (const each of said) expect(written.split(each)).toHaveLength(2);
      expect(written).not.toContain('hidden');
      let expected: JsonValue[] = [];
      for (const message of messages) {
        const { role, tool_calls: calls } = message;
        if (role === 'tool') {
          expect(expected).toContain(message['tool_call_id']);
          expected = expected.filter((id) => id !== message['tool_call_id']);
          continue;
        }
        expect(expected).toEqual([]);
        expect(message['content'] ?? calls).toBeDefined();
        expected = ((calls ?? []) as JsonObject[]).map(({ id = null }) => id);
      }
    }),
    { numRuns: 500 },
  );
});

it('adds thousands of texts to one turn in linear time', () => {
  const call: JsonObject = { type: 'function_call', call_id: 'a', name: 'f', arguments: '{}' };
  const more: JsonObject = { role: 'assistant', content: 'And then?' };
  const turn = (amount: number) => {
    const input = [call, ...Array.from({ length: amount * 3_000 }, () => more)];
    return () => messagesOf('', input, new Adjustments());
  };
  expect(growth(turn)).toBeLessThan(linear);
});
