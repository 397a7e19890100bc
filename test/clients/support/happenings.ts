import type { Script } from '../../support/stand-in.ts';
import { write } from '../../../src/demo/connection.ts';
import type { Connection } from './client.ts';
import { models } from './client.ts';
import type { Halves } from './frames.ts';
import type { Site } from './site.ts';

/** What a call fails with; an Error that says so where it does not. */
export async function failureOf(call: () => Promise<unknown>): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  throw new Error('The call did not fail.');
}

/** An answer that begins, and goes on once it is told to, or not at all where its caller has left. */
export function deferredRest({ opening, rest }: Halves): { script: Script; goOn: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const script: Script = async (_req, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const frame of opening) await write(res, frame);
    await promise;
    for (const frame of rest) if (!(await write(res, frame))) return true;
    res.end();
    return true;
  };
  return { script, goOn: resolve };
}

/** Takes the one place of a token whose concurrency is limited to it, until it is released. */
export async function holdPlace(
  site: Site,
  { url, token, issued }: Connection & { issued: { team: string } },
): Promise<() => Promise<void>> {
  const { script, goOn } = deferredRest({ opening: [': held\n\n'], rest: ['event:done\ndata:[DONE]\n\n'] });
  site.upstream.script(script);
  const held = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
    body: JSON.stringify({ model: models.chat, stream: true, messages: [{ role: 'user', content: 'Hold' }] }),
  });
  return async () => {
    site.upstream.script(null);
    goOn();
    await held.text();
    await site.settled(issued.team, 1);
  };
}
