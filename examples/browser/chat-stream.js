// @ts-check

/** An error from the gateway or this site's back end: `code` for programs, `message` for people. */
export class AnsweredError extends Error {
  /** @param {{ code?: string, message?: string }} error */
  constructor({ code = 'unknown', message = 'No reason was given.' }) {
    super(message);
    this.name = 'AnsweredError';
    this.code = code;
  }
}

/**
 * Gives the answer if it is a success; else throws the error in it.
 * @param {Response} answer
 */
export async function checked(answer) {
  if (answer.ok) return answer;
  const body = await answer.json().catch(() => null);
  throw new AnsweredError(body?.error ?? { code: String(answer.status) });
}

/**
 * The words of a streamed chat completion, as they arrive. Throws if the stream has an error or ends too early.
 * @param {Response} answer
 */
export async function* wordsOf(answer) {
  for await (const data of eventsOf(await checked(answer))) {
    if (data === '[DONE]') return;
    const { error, choices } = JSON.parse(data);
    if (error) throw new AnsweredError(error);
    yield /** @type {string} */ (choices?.[0]?.delta?.content ?? '');
  }
  throw new AnsweredError({ code: 'stream_broken', message: 'The answer ended too early.' });
}

/**
 * The data of each server-sent event.
 * @param {Response} answer
 */
async function* eventsOf(answer) {
  if (!answer.body) return;
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const events = (rest + value).split(/\r?\n\r?\n/);
    rest = events.pop() ?? '';
    for (const event of events) {
      const lines = event.split(/\r?\n/).filter((line) => line.startsWith('data:'));
      if (lines.length > 0) yield lines.map((line) => line.slice('data:'.length).trimStart()).join('\n');
    }
  }
}
