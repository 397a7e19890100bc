import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { IssuedToken } from '../../support/gateway.ts';
import { bodies, paths, readStream, type Reply } from '../../support/gateway-client.ts';
import { within } from '../../support/wait-for.ts';

/** One call as its caller sees it, over all its tries. */
export interface Called {
  requestId: string;
  tries: number;
  /** `whole`, or how it ended otherwise. */
  ended: 'whole' | 'cut' | Reply['status'];
}

export interface Load {
  /** Calls that have ended so far. */
  readonly done: readonly Called[];
  /** Begins no more calls and resolves when the last one has ended. */
  stop(): Promise<readonly Called[]>;
}

export interface LoadOptions {
  /** Where to call, in turn; a call that is not taken goes to the next. */
  urls: readonly string[];
  token: IssuedToken;
  callers: number;
}

const pauseMs = 20;
/** As Heroku's router gives up a request without a byte of an answer (H12), only sooner. */
const noAnswerAfterMs = 6_000;
const maxTries = 200;

/**
 * Callers that call without end, each one call after the other, plain and streamed in turn. As behind Heroku's
 * router, a call that a gateway does not take (refused connection, 503, no byte of an answer) is sent to another; one
 * that has begun to be answered is not.
 */
export function startLoad({ urls, token, callers }: LoadOptions): Load {
  const done: Called[] = [];
  const stopping = new AbortController();
  const callOn = async (first: number): Promise<void> => {
    for (let n = first; !stopping.signal.aborted; n += 1) done.push(await call(n));
  };
  const call = async (n: number): Promise<Called> => {
    const requestId = randomUUID();
    for (let tries = 1; ; tries += 1) {
      const url = urls[(n + tries) % urls.length] ?? '';
      // Two of three: if every other call were a stream, all of them could go to the same one of two workers.
      const ended = await attempt(url, { requestId, token, stream: n % 3 !== 0 });
      if (ended !== 'not taken' || tries === maxTries)
        return { requestId, tries, ended: ended === 'not taken' ? 503 : ended };
      await sleep(pauseMs);
    }
  };
  const running = Array.from({ length: callers }, (_, n) => callOn(n));
  return {
    done,
    stop: async () => {
      stopping.abort();
      await within(Promise.all(running), 30_000, 'the last calls to end');
      return done;
    },
  };
}

async function attempt(
  url: string,
  { requestId, token, stream }: { requestId: string; token: IssuedToken; stream: boolean },
): Promise<Called['ended'] | 'not taken'> {
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(), noAnswerAfterMs);
  const answer = await fetch(`${url}${paths.chat}`, {
    signal: silence.signal,
    method: 'POST',
    headers: { authorization: `Bearer ${token.text}`, 'x-request-id': requestId, connection: 'close' },
    body: JSON.stringify(bodies.chat({ stream })),
  }).catch(() => null);
  clearTimeout(timer);
  if (answer === null) return 'not taken';
  const reading = readStream(answer);
  const rest = await reading.rest(20_000);
  if (answer.status === 503) return 'not taken';
  if (answer.status !== 200) return answer.status;
  const isWhole = rest === 'clean' && reading.text().includes(stream ? '[DONE]' : '"finish_reason"');
  return isWhole ? 'whole' : 'cut';
}
