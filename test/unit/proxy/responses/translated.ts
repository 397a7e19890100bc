import { failed } from '../../../../src/upstream/upstream-error.ts';
import { ResponseStream } from '../../../../src/proxy/responses/response-stream.ts';
import type { ResponseOptions } from '../../../../src/proxy/responses/response-events.ts';
import { taps } from '../../../../src/proxy/taps.ts';

const repeated = JSON.stringify({
  previous_response_id: null,
  instructions: 'Sé breve.',
  tools: [],
  tool_choice: 'auto',
  truncation: 'disabled',
  parallel_tool_calls: true,
  text: { format: { type: 'text' } },
  top_p: 1,
  presence_penalty: 0,
  frequency_penalty: 0,
  top_logprobs: 0,
  temperature: 1,
  reasoning: null,
  max_output_tokens: null,
  max_tool_calls: null,
  store: false,
  background: false,
  service_tier: 'default',
  metadata: {},
  safety_identifier: null,
  prompt_cache_key: null,
});

export const responseOptions: ResponseOptions = {
  translation: {
    repeated: Buffer.from(repeated.slice(1, -1)).toString('latin1'),
    stored: true,
    customTools: new Set(['apply_patch', 'größe "1"']),
    namespaced: new Map([
      ['agents__wait', { namespace: 'agents', name: 'wait' }],
      ['名__"cut"_0123', { namespace: '名', name: '"cut"\nname' }],
    ]),
  },
  model: 'asked-for',
  random: '0123456789abcdef0123456789abcdef',
  clock: { now: () => 1_790_000_000_000 },
};

export interface Translated {
  text: string;
  /** It ends with a failure. */
  hasFailed: boolean;
}

/** What the caller gets for a stream that comes in these chunks: as `StreamReply` puts it together. */
export function translated(...chunks: readonly (string | Buffer)[]): Translated {
  const tap = taps.openai.stream();
  const stream = new ResponseStream(responseOptions, () => null);
  let latin1 = '';
  const failure = (): Translated => ({ text: Buffer.from(latin1, 'latin1').toString(), hasFailed: true });
  for (const chunk of chunks) {
    const bytes = Buffer.from(chunk).toString('latin1');
    tap.feed(bytes);
    latin1 += stream.rewrite(bytes, tap.done);
    if (stream.trouble) latin1 += stream.failure(stream.trouble);
    if (stream.trouble) return failure();
  }
  tap.end();
  latin1 += stream.rest(tap.isComplete);
  if (stream.trouble ?? !tap.isComplete) latin1 += stream.failure(stream.trouble ?? failed('It broke off.'));
  if (stream.trouble ?? !tap.isComplete) return failure();
  return { ...failure(), hasFailed: false };
}
