import { Agent, type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { chatPath } from './bodies.ts';
import { median } from './report.ts';
import type { Target } from './site.ts';

/** About how long a stream takes. */
const spreadMs = 1_000;

export interface Streamed {
  streams: number;
  /** From sending the request to the first byte of the body, ms. */
  firstByteMs: number;
}

/** Keeps this many streams open at once for some seconds; each connection opens one after another. */
export async function streamLoad(options: {
  target: Target;
  body: string;
  path?: string;
  atOnce: number;
  seconds: number;
}): Promise<Streamed> {
  const { target, body, path = chatPath, atOnce, seconds } = options;
  const agent = new Agent({ keepAlive: true, maxSockets: Infinity });
  const untilMs = performance.now() + seconds * 1_000;
  const firstBytesMs: number[] = [];
  let streams = 0;
  const reader = async (n: number): Promise<void> => {
    await sleep((n * spreadMs) / atOnce); // not all in step
    while (performance.now() < untilMs) {
      const startedMs = performance.now();
      const response = await opened(target, body, agent, path);
      let isFirst = true;
      for await (const _ of response) {
        if (isFirst) firstBytesMs.push(performance.now() - startedMs);
        isFirst = false;
      }
      streams += 1;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, (_, n) => reader(n)));
  agent.destroy();
  return { streams, firstByteMs: median(firstBytesMs) };
}

/** Sends the request and gives the head of its answer. */
export function opened(
  target: Target,
  body: string,
  agent: Agent,
  path = chatPath,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { ...target.headers, 'content-type': 'application/json', 'content-length': body.length };
    const sent = request(target.url + path, { method: 'POST', headers, agent }, (response) => {
      if (response.statusCode === 200) return resolve(response);
      text(response).then(
        (answer) => reject(new Error(`${target.name} answered ${response.statusCode}: ${answer}`)),
        reject,
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
