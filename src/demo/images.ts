import type { JsonObject } from '../base/request.ts';
import { type Answer, errorAnswer } from './answer.ts';
import { fieldProblem, imagesFields } from './fields.ts';

/** One violet pixel, as a PNG. */
const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGNwZpgBAAFlANwJvryjAAAAAElFTkSuQmCC';

/** POST /v1/images/generations. */
export function answerImages(body: JsonObject, createdS: number): Answer {
  const problem = fieldProblem(body, imagesFields, ['model', 'prompt']);
  if (problem !== null) return errorAnswer(400, problem);
  const { prompt, n } = body;
  if (typeof prompt !== 'string' || prompt.length > 10_000) {
    return errorAnswer(400, 'prompt: expected at most 10000 characters');
  }
  const count = typeof n === 'number' && n >= 1 ? n : 1;
  const data = Array.from({ length: count }, () => ({ b64_json: pixel, revised_prompt: prompt }));
  return { status: 200, json: { created: createdS, data } };
}
