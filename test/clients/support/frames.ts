import { doneFrame, messageFrame, namedFrame } from '../../../src/demo/frames.ts';
import { models } from './client.ts';

/** A stream's frames as Heroku sends them, in two halves: an answer that has begun, and how it would have gone on. */
export interface Halves {
  readonly opening: readonly string[];
  readonly rest: readonly string[];
}

const chunk = (
  delta: object,
  end: { finish_reason: string; prompt_tokens: number; completion_tokens: number },
): string =>
  messageFrame({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1_790_000_000,
    model: models.chat,
    choices: [{ index: 0, delta: { ...delta }, finish_reason: end.finish_reason }],
    usage: {
      prompt_tokens: end.prompt_tokens,
      completion_tokens: end.completion_tokens,
      total_tokens: end.prompt_tokens + end.completion_tokens,
    },
  });
/** As upstream: no reason yet, and no usage. */
const going = { finish_reason: '', prompt_tokens: 0, completion_tokens: 0 };
const stopped = { finish_reason: 'stop', prompt_tokens: 8, completion_tokens: 2 };

const usage = {
  input_tokens: 8,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
  output_tokens: 1,
};
const text = (said: string): string =>
  namedFrame('content_block_delta', {
    type: 'content_block_delta',
    index: 0,
    delta: { type: 'text_delta', text: said },
  });

const ofChat: Halves = {
  opening: [chunk({ role: 'assistant', content: 'Good' }, going)],
  rest: [chunk({ content: ' day' }, going), chunk({}, stopped), doneFrame],
};

/** The endpoints of a conversation. */
export type ConversationUse = 'POST /v1/chat/completions' | 'POST /v1/responses' | 'POST /v1/messages';

export const halves: Readonly<Record<ConversationUse, Halves>> = {
  'POST /v1/chat/completions': ofChat,
  'POST /v1/responses': ofChat, // the upstream answers a chat
  'POST /v1/messages': {
    opening: [
      namedFrame('message_start', {
        type: 'message_start',
        message: {
          id: 'msg_1',
          type: 'message',
          role: 'assistant',
          model: models.chat,
          content: [],
          stop_reason: null,
          stop_sequence: null,
          usage,
        },
      }),
      namedFrame('content_block_start', {
        type: 'content_block_start',
        index: 0,
        content_block: { type: 'text', text: '' },
      }),
      text('Good'),
    ],
    rest: [
      text(' day'),
      namedFrame('content_block_stop', { type: 'content_block_stop', index: 0 }),
      namedFrame('message_delta', {
        type: 'message_delta',
        delta: { stop_reason: 'end_turn', stop_sequence: null },
        usage: { output_tokens: 2 },
      }),
      namedFrame('message_stop', { type: 'message_stop' }),
    ],
  },
};
