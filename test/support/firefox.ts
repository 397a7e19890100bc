import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { findFirefox } from '../../scripts/find-firefox.ts';
import { dieWithMe } from './die-with-me.ts';
import { within } from './wait-for.ts';

/*
 * Firefox as its distribution has it. Playwright drives only a build of its own, so this speaks the few commands of
 * WebDriver BiDi that are needed.
 */

export interface Firefox {
  /** Opens a tab; gives what evaluates an expression in it, of a promise perhaps, and gives the value, as JSON has it. */
  open(url: string): Promise<(expression: string) => Promise<unknown>>;
  close(): Promise<void>;
}

/** Whether there is one; scripts/ensure-firefox.ts says how to get it. */
export const hasFirefox = findFirefox() !== null;

/** Starts a headless one, with a profile of its own. */
export async function launchFirefox(): Promise<Firefox> {
  const command = findFirefox()?.command;
  if (command === undefined) throw new Error('There is no Firefox.');
  const home = await mkdtemp(join(tmpdir(), 'tollgate-firefox-'));
  const args = ['--headless', '--no-remote', '--profile', home, '--remote-debugging-port=0', 'about:blank'];
  const env = { ...process.env, HOME: home, MOZ_CRASHREPORTER_DISABLE: '1' };
  const child = spawn(command, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  dieWithMe(child, home);
  const call = await connect(await within(addressIn(child.stderr), 60_000, 'Firefox'));
  await call('session.new', { capabilities: {} });
  return {
    open: async (url) => {
      const { context } = (await call('browsingContext.create', { type: 'tab' })) as { context: string };
      await call('browsingContext.navigate', { context, url, wait: 'complete' });
      return async (expression) => {
        const script = `(async () => JSON.stringify(await (${expression})))()`;
        const target = { context };
        const evaluated = await call('script.evaluate', { expression: script, target, awaitPromise: true });
        return valueOf(evaluated as Evaluated);
      };
    },
    close: async () => {
      const gone = once(child, 'exit');
      await call('browser.close', {});
      await gone;
      await rm(home, { recursive: true, force: true });
    },
  };
}

type Evaluated =
  { type: 'success'; result: { value?: string } } | { type: 'exception'; exceptionDetails: { text: string } };

function valueOf(evaluated: Evaluated): unknown {
  if (evaluated.type === 'exception') throw new Error(evaluated.exceptionDetails.text);
  const { value } = evaluated.result;
  return value === undefined ? undefined : JSON.parse(value);
}

/** Where it takes commands, which it says on stderr. */
async function addressIn(stderr: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input: stderr })) {
    const [, address] = /WebDriver BiDi listening on (ws:\S+)/.exec(line) ?? [];
    if (address === undefined) continue;
    stderr.resume();
    return address;
  }
  throw new Error('Firefox ended before it listened.');
}

type Call = (method: string, params: object) => Promise<unknown>;

async function connect(address: string): Promise<Call> {
  const socket = new WebSocket(`${address}/session`);
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let lastId = 0;
  socket.addEventListener('message', ({ data }) => {
    const { id, type, result, message } = JSON.parse(String(data)) as Reply;
    const asked = waiting.get(id);
    waiting.delete(id);
    if (type === 'error') asked?.reject(new Error(message));
    else asked?.resolve(result);
  });
  await once(socket, 'open');
  return (method, params) => {
    const asked = Promise.withResolvers<unknown>();
    waiting.set((lastId += 1), asked);
    socket.send(JSON.stringify({ id: lastId, method, params }));
    return asked.promise;
  };
}

interface Reply {
  id: number;
  type: 'success' | 'error';
  result?: unknown;
  message?: string;
}
