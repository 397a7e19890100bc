import type { StandInEndpoint } from './answer.ts';

/** POST /v1/moderations. Nothing is objectionable. */
export const moderations: StandInEndpoint = {
  required: ['model', 'input'],
  optional: [],
  answer: () => ({ status: 200, json: { results: [{ flagged: false }] } }),
  examples: [{ title: 'A moderation', body: { model: 'claude-4-5-haiku', input: 'A toll gate' } }],
};
