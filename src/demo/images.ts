import type { JsonObject } from '../base/request.ts';
import { type Answer, errorAnswer, type StandInEndpoint, type AnswerContext } from './answer.ts';

/** One violet pixel, as a PNG. */
const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGNwZpgBAAFlANwJvryjAAAAAElFTkSuQmCC';

/** POST /v1/images/generations. */
export const images: StandInEndpoint = {
  required: ['model', 'prompt'],
  optional: [
    'aspect_ratio',
    'negative_prompt',
    'output_format',
    'size',
    'seed',
    // Not documented, but sent by clients in use.
    'n',
    'quality',
    'response_format',
  ],
  answer: answerImages,
  examples: [{ title: 'An image', body: { model: 'stable-image-ultra', prompt: 'A toll gate at sunrise' } }],
};

function answerImages(body: JsonObject, { createdS }: AnswerContext): Answer {
  const { prompt, n } = body;
  if (typeof prompt !== 'string' || prompt.length > 10_000) {
    return errorAnswer(400, 'prompt: expected at most 10000 characters');
  }
  const count = typeof n === 'number' && n >= 1 ? n : 1;
  const data = Array.from({ length: count }, () => ({ b64_json: pixel, revised_prompt: prompt }));
  return { status: 200, json: { created: createdS, data } };
}
