import type { JsonObject } from '../src/base/request.ts';
import { doneFrame, messageFrame, namedFrame } from '../src/demo/frames.ts';

/** The model that every proxy is asked for, and the one for images. */
export const model = 'claude-4-5-haiku';
export const imageModel = 'stable-image-ultra';
export const chatPath = '/v1/chat/completions';
export const imagePath = '/v1/images/generations';

const message = (content: string): object => ({
  model,
  messages: [{ role: 'user', content }],
  max_tokens: 100,
});
const usage = { prompt_tokens: 14, completion_tokens: 51, total_tokens: 65 };

export const shortChat = JSON.stringify(message('Why is Heroku so awesome? Answer in one sentence please.'));
export const longChat = JSON.stringify(message('A long prompt, "quoted" at times. '.repeat(3_000)));
export const streamedChat = JSON.stringify({ ...message('Why?'), stream: true });
export const messagesPath = '/v1/messages';
/** A stream that stays open. */
export const heldChat = JSON.stringify({ ...message('hold'), stream: true });
export const image = JSON.stringify({ model: imageModel, prompt: 'A lighthouse' });

export const shortAnswer = JSON.stringify({
  id: 'chatcmpl-000001',
  object: 'chat.completion',
  created: 1_795_222_474,
  model,
  system_fingerprint: 'heroku-inf-1',
  choices: [
    {
      index: 0,
      message: { role: 'assistant', content: 'It lets people ship instead of operate.', refusal: null },
      finish_reason: 'stop',
    },
  ],
  usage,
});
export const largeImage = JSON.stringify({ created: 1, data: [{ b64_json: 'QUJD'.repeat(524_288) }] });

export const chunksPerStream = 100;
const chunk = (delta: JsonObject, more: JsonObject): JsonObject => ({
  id: 'chatcmpl-000001',
  object: 'chat.completion.chunk',
  created: 1_795_222_474,
  model,
  choices: [{ index: 0, delta, finish_reason: '' }],
  ...more,
});
const zeros = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };
const words = ['It ', 'lets ', 'people ', 'ship ', 'instead ', 'of ', 'operate. '];
const textChunk = (content: string): string => messageFrame(chunk({ content }, { usage: zeros }));

/** A stream: its first frame, `chunksPerStream - 1` more whose text differs from one to the next, and its end. */
export interface Frames {
  first: string;
  words: readonly string[];
  last: string;
}

export const frames: Frames = {
  first: textChunk(''),
  words: words.map(textChunk),
  last: messageFrame(chunk({}, { usage })) + doneFrame,
};

/** The same in Anthropic's shape. */
export const messagesFrames: Frames = {
  first: namedFrame('message_start', {
    type: 'message_start',
    message: {
      id: 'msg_000001',
      type: 'message',
      role: 'assistant',
      model,
      content: [],
      usage: { input_tokens: 14 },
    },
  }),
  words: words.map((text) =>
    namedFrame('content_block_delta', {
      type: 'content_block_delta',
      index: 0,
      delta: { type: 'text_delta', text },
    }),
  ),
  last:
    namedFrame('message_delta', {
      type: 'message_delta',
      delta: { stop_reason: 'end_turn', stop_sequence: null },
      usage: { output_tokens: 51 },
    }) + namedFrame('message_stop', { type: 'message_stop' }),
};
