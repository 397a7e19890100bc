import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSettings } from '../../../src/config/environment.ts';
import { pause, write } from '../../../src/demo/connection.ts';
import { doneFrame, messageFrame } from '../../../src/demo/frames.ts';
import { type Script, type StandIn, startStandIn } from '../../support/stand-in.ts';
import { startGateway, type TestGateway } from '../../support/gateway.ts';
import { bodies, errorOf, open, paths, post, type Reply } from '../../support/gateway-client.ts';
import { type Router, startRouter } from '../../support/router.ts';

/* Heroku's router gives up after 30 s without a byte, then after 55 s of silence. Here its clocks go faster, and so do the gateway's. */

/** The gateway keeps 2 s of those 30: half a second here, more than a busy machine stalls. */
const timesFaster = 4;
const firstByteMs = 30_000 / timesFaster;
const silenceMs = 55_000 / timesFaster;
const frame = messageFrame({ choices: [{ index: 0, delta: { content: 'word ' }, finish_reason: '' }] });

/** What the gateway waits on a dyno where nothing is set, as much faster as the router. */
function durations(): Record<string, string> {
  const read = readSettings({ DYNO: 'web.1', INFERENCE_URL: 'https://a.example', INFERENCE_KEY: 'inf-1' });
  if (!read.ok) throw new Error(read.problems.join('\n'));
  const { upstreamTimeoutMs, firstHeartbeatMs, heartbeatMs } = read.settings;
  const scaled = (ms: number): string => String(Math.round(ms / timesFaster));
  return {
    DYNO: 'web.1',
    UPSTREAM_TIMEOUT_MS: scaled(upstreamTimeoutMs),
    FIRST_HEARTBEAT_MS: scaled(firstHeartbeatMs),
    HEARTBEAT_MS: scaled(heartbeatMs),
  };
}

let upstream: StandIn;
let gateway: TestGateway;
/** One that knows nothing of the router's clocks. */
let careless: TestGateway;
const routers: Router[] = [];

beforeAll(async () => {
  upstream = await startStandIn();
  upstream.script(byPrompt);
  gateway = await startGateway({ upstream, env: durations() });
  const never = { UPSTREAM_TIMEOUT_MS: '60000', FIRST_HEARTBEAT_MS: '60000', HEARTBEAT_MS: '60000' };
  careless = await startGateway({ upstream, env: { ...durations(), ...never } });
});
afterAll(async () => {
  for (const router of routers) await router.close();
  await gateway.close();
  await careless.close();
  await upstream.close();
});

/** Waits as long before each frame, and at last before the end, as the prompt lists. */
const byPrompt: Script = async (_req, res, body) => {
  const { messages, stream } = body as { messages: [{ content: string }]; stream?: boolean };
  const [first = 0, ...pausesMs] = JSON.parse(messages[0].content) as number[];
  if (!(await pause(res, first))) return true;
  if (stream !== true) return false;
  res.writeHead(200, { 'content-type': 'text/event-stream' });
  await write(res, frame);
  for (const ms of pausesMs) if (!(await pause(res, ms)) || !(await write(res, frame))) return true;
  res.end(doneFrame);
  return true;
};

interface Through {
  router: Router;
  team: string;
  ask: (pausesMs: number[], stream: boolean) => Promise<Reply>;
}

async function through(to: TestGateway): Promise<Through> {
  const router = await startRouter({ port: to.port, timesFaster });
  routers.push(router);
  const { text: token, team } = await to.issue();
  const ask: Through['ask'] = (pausesMs, stream) => {
    const messages = [{ role: 'user', content: JSON.stringify(pausesMs) }];
    return post(`${router.url}${paths.chat}`, bodies.chat({ messages, stream }), {
      token,
      timeoutMs: 100_000,
    });
  };
  return { router, team, ask };
}

const frames = (count: number): string => frame.repeat(count) + doneFrame;
const withoutComments = (text: string): string => text.replaceAll(': keep-alive\n\n', '');

describe.concurrent('behind the router', () => {
  it('a stream whose first word comes late, and its next one later still, is kept by comments', async () => {
    const { router, ask } = await through(gateway);
    const reply = await ask([firstByteMs * 1.2, silenceMs * 1.2], true);
    expect(withoutComments(reply.text)).toBe(frames(2));
    expect(reply.text.startsWith(': keep-alive\n\n')).toBe(true);
    expect(router.errors).toEqual([]);
  });

  it('without them the router gives up on its first word', async () => {
    const { router, ask, team } = await through(careless);
    const reply = await ask([firstByteMs * 1.2], true);
    expect([reply.status, router.errors]).toEqual([503, ['H12']]);
    expect(await careless.settled(team, 1)).toMatchObject([{ outcome: 'aborted' }]);
  });

  it('and on a later one', async () => {
    const { router, ask, team } = await through(careless);
    await expect(ask([0, silenceMs * 1.2], true)).rejects.toThrow('terminated');
    expect(router.errors).toEqual(['H15']);
    expect(await careless.settled(team, 1)).toMatchObject([{ outcome: 'aborted' }]);
  });

  it.each([0.9, 1.1])('pauses of %f times what the router bears, one after another', async (times) => {
    const { router, ask } = await through(gateway);
    const reply = await ask([firstByteMs * times, silenceMs * times], true);
    expect(withoutComments(reply.text)).toBe(frames(2));
    expect(router.errors).toEqual([]);
  });

  it('pauses around those after which a comment is due', async () => {
    const { router, ask } = await through(gateway);
    const dueMs = gateway.settings.heartbeatMs;
    const reply = await ask([dueMs - 20, dueMs, dueMs + 20], true);
    expect(withoutComments(reply.text)).toBe(frames(3));
    expect(router.errors).toEqual([]);
  });

  it('a plain call that takes too long gets the 504 of the gateway before the 503 of the router', async () => {
    const { router, ask, team } = await through(gateway);
    const reply = await ask([firstByteMs * 2], false);
    expect([reply.status, errorOf(reply).code]).toEqual([504, 'upstream_timeout']);
    expect(router.errors).toEqual([]);
    expect(await gateway.settled(team, 1)).toMatchObject([{ outcome: 'error', status: 504 }]);
  });

  it('without that it gets a page that is no JSON', async () => {
    const { router, ask } = await through(careless);
    const reply = await ask([firstByteMs * 2], false);
    expect([reply.status, reply.headers.get('content-type'), router.errors]).toEqual([
      503,
      'text/html',
      ['H12'],
    ]);
  });

  it('a stream that is slow all the way is no worse for it', async () => {
    const { router, ask } = await through(gateway);
    expect((await ask(Array<number>(8).fill(400), true)).text).toBe(frames(8));
    expect(router.errors).toEqual([]);
  });
});

describe('the caller leaving', () => {
  it('reaches the upstream through the router', async () => {
    const { router, team } = await through(gateway);
    const token = (await gateway.issue({ team: { id: team } })).text;
    const { aborted } = upstream;
    const controller = new AbortController();
    const messages = [{ role: 'user', content: '[0, 60000]' }];
    const sent = { token, signal: controller.signal };
    const answer = await open(`${router.url}${paths.chat}`, bodies.chat({ messages, stream: true }), sent);
    await answer.body?.getReader().read();
    controller.abort();
    await upstream.waitFor((standIn) => standIn.aborted > aborted);
    expect(await gateway.settled(team, 1)).toMatchObject([{ outcome: 'aborted' }]);
    expect(router.errors).toEqual(['H27']);
  });
});
