import type { StandInEndpoint } from './answer.ts';

const hello = { model: 'claude-4-5-haiku', input: 'Why is Heroku so awesome?' };

/** POST /v1/responses: the gateway sends it on as a chat, so there is no answer to imitate. */
export const responses: Pick<StandInEndpoint, 'examples'> = {
  examples: [
    { title: 'The Responses API', body: hello },
    { title: 'Its events, streamed', body: { ...hello, stream: true } },
  ],
};
