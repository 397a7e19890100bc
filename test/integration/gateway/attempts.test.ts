import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../../src/base/clock.ts';
import { hang, resetAfter, resetBeforeAnswer, respond, wafPage } from '../../support/upstream-scripts.ts';
import { messageFrame } from '../../../src/demo/frames.ts';
import { type Script, startStandIn, type StandIn } from '../../support/stand-in.ts';
import { freePort } from '../../support/free-port.ts';
import { models, startGateway, type IssuedToken, type TestGateway } from '../../support/gateway.ts';
import {
  bodies,
  errorOf,
  get,
  open,
  paths,
  post,
  readStream,
  type Reply,
} from '../../support/gateway-client.ts';
import type { Limit } from '../../../src/base/limit.ts';
import { mintSession } from '../../support/sessions.ts';
import { patient } from '../../support/turned-clock.ts';
import { withoutDyno } from '../../support/series.ts';

/* Attachments that fail, and others that stand in for them. */

/** In the place of an answer that ended in the middle. */
const cut = { status: 0 };
const json = { 'content-type': 'application/json' };
const other = 'nova-pro';
const failsWith = (status: number, headers = {}): Script => respond(status, { ...json, ...headers }, '{}');

let first: StandIn;
let second: StandIn;
let gateway: TestGateway;
let token: IssuedToken;
let folder: string;
let modelsFile: string;
/** The same, but the fallback refuses bounds over its own. */
let refusingModelsFile: string;

beforeAll(async () => {
  [first, second] = await Promise.all([startStandIn(), startStandIn({ key: 'inf-second' })]);
  folder = await mkdtemp(join(tmpdir(), 'tollgate-models-'));
  modelsFile = join(folder, 'models.json');
  const price = (usd: number): object => ({
    usd_per_million_input_tokens: usd,
    usd_per_million_output_tokens: usd,
  });
  refusingModelsFile = join(folder, 'refusing-models.json');
  const catalogue = (more: object): string =>
    JSON.stringify({
      models: {
        [models.chat]: { kind: 'chat', max_tokens: 4096, fallback: other, price: price(10) },
        [other]: {
          kind: 'chat',
          max_tokens: 100,
          one_of: ['temperature', 'top_p'],
          price: price(1),
          ...more,
        },
      },
    });
  await writeFile(modelsFile, catalogue({}));
  await writeFile(refusingModelsFile, catalogue({ over_max: 'refuse' }));
});
afterEach(async () => {
  first.script(null);
  second.script(null);
  await gateway.close();
});
afterAll(async () => {
  await Promise.all([first.close(), second.close(), rm(folder, { recursive: true })]);
});

/** A gateway with these attachments besides, or instead of, the first stand-in's. */
async function start(env: Record<string, string> = {}, clock: Clock = systemClock): Promise<void> {
  gateway = await startGateway({ upstream: first, env, clock });
  token = await gateway.issue({ limits: [{ metric: 'requests', window: 'day', max: 100_000 }] });
  first.requests.length = 0;
  second.requests.length = 0;
}

const twoAttachments = (): Record<string, string> => ({ SECOND_URL: second.url, SECOND_KEY: second.key });
/** The first serves the model, the second its fallback. */
const withFallback = (): Record<string, string> => ({
  INFERENCE_MODEL_ID: models.chat,
  SECOND_URL: second.url,
  SECOND_KEY: second.key,
  SECOND_MODEL_ID: other,
  MODELS_FILE: modelsFile,
});

const call = (more: object = {}, text = token.text): Promise<Reply> =>
  post(`${gateway.url}${paths.chat}`, bodies.chat(more), { token: text });

/** The system's clock; for durations it is ahead as much as it is turned, and once stopped it stands still between turns. */
class StoppableClock implements Clock {
  #aheadMs = 0;
  #stoppedMs: number | null = null;
  now = (): number => systemClock.now();
  monotonic = (): number => (this.#stoppedMs ?? systemClock.monotonic()) + this.#aheadMs;
  stop(): this {
    this.#stoppedMs = systemClock.monotonic();
    return this;
  }
  turn(byMs: number): void {
    this.#aheadMs += byMs;
  }
}

async function metric(name: string): Promise<number> {
  const { text } = await get(`${gateway.url}/metrics`, { token: gateway.adminKey });
  return Number(
    new RegExp(`^tollgate_${name.replaceAll(/[{}"]/g, '\\$&')} (\\S+)`, 'm').exec(withoutDyno(text))?.[1] ??
      0,
  );
}

describe('of two attachments, one', () => {
  it.each([
    ['resets connections', resetBeforeAnswer(), 'reset'],
    ['answers 429', failsWith(429), 'limited'],
    ['answers 429 with a wait', failsWith(429, { 'retry-after': '30' }), 'limited'],
    ['answers 502', failsWith(502), 'failing'],
    ['answers 503', failsWith(503), 'failing'],
    ['answers 504', failsWith(504), 'failing'],
    ['refuses its key', failsWith(401), 'key'],
    ['refuses its key the model', failsWith(403), 'key'],
  ])('%s: no caller notices, nobody pays twice', async (_, script, cause) => {
    await start(twoAttachments(), new StoppableClock().stop());
    first.script(script);
    for (const stream of [false, true, false, true]) {
      const reply = await call({ stream });
      expect(reply.status).toBe(200);
      expect(reply.headers.get('x-tollgate-model')).toBeNull();
    }
    const entries = await gateway.settled(token.team, 4);
    expect(entries.map(({ outcome, model }) => ({ outcome, model }))).toEqual(
      Array.from({ length: 4 }, () => ({ outcome: 'ok', model: models.chat })),
    );
    expect(second.requests).toHaveLength(4);
    // Its circuit breaker is open, or its key has no quota, until the clock is turned.
    expect(first.requests).toHaveLength(1);
    const name = `upstream_attempts_given_up_total{attachment="INFERENCE",cause="${cause}"}`;
    expect(await metric(name)).toBe(1);
  });

  it('is not there: no caller notices', async () => {
    await start({ ...twoAttachments(), INFERENCE_URL: `http://127.0.0.1:${await freePort()}` });
    for (let n = 0; n < 4; n += 1) expect((await call()).status).toBe(200);
    expect(await metric('attachment_resting{attachment="INFERENCE"}')).toBe(1);
    expect(await metric('attachment_resting{attachment="SECOND"}')).toBe(0);
    expect(gateway.log()).toContain('an attachment fails');
  });

  it('works again: one request finds out, and it takes its turns', async () => {
    const clock = new StoppableClock().stop();
    await start(twoAttachments(), clock);
    first.script(failsWith(503));
    await call();
    await call();
    expect(first.requests).toHaveLength(1);
    first.script(null);
    clock.turn(1_000); // the longest that a first failure opens the circuit breaker for
    await expect
      .poll(async () => (await call()).status === 200 && first.requests.length, { timeout: 20_000 })
      .toBe(2);
    expect(await metric('attachment_resting{attachment="INFERENCE"}')).toBe(0);
    for (let n = 0; n < 4; n += 1) await call();
    expect(first.requests).toHaveLength(4);
    expect(gateway.log()).toContain('an attachment works again');
  });

  it.each([
    ['does not answer in time', hang(), false, 504],
    ['breaks off in the middle', resetAfter(messageFrame({})), true, 200],
  ])('%s: one caller notices, and it is asked last from then on', async (_, script, stream, status) => {
    const clock = new StoppableClock();
    await start({ ...twoAttachments(), UPSTREAM_TIMEOUT_MS: '3000' }, clock);
    first.script(script);
    const statuses: number[] = [];
    while (first.requests.length === 0) statuses.push((await call({ stream }).catch(() => cut)).status);
    clock.stop(); // its circuit breaker stays open, however long the next calls take
    expect([status, cut.status]).toContain(statuses.at(-1));
    expect(await metric('attachment_resting{attachment="INFERENCE"}')).toBe(1);
    for (let n = 0; n < 4; n += 1) expect((await call()).status).toBe(200);
    expect(first.requests).toHaveLength(1);
  });

  it('fails at random: hundreds of calls, none with an error, none charged twice', async () => {
    const clock = new StoppableClock();
    await start({ ...twoAttachments(), ...patient, UPSTREAM_QUEUE_MS: '0' }, clock);
    const troubles = [failsWith(503), resetBeforeAnswer(), failsWith(429), failsWith(502)];
    let asked = 0;
    first.script((req, res, body) => {
      asked += 1;
      return asked % 3 === 0 ? false : (troubles[asked % troubles.length] ?? hang())(req, res, body);
    });
    const replies: Reply[] = [];
    const caller = async (): Promise<void> => {
      // However fast they are, all troubles are met several times.
      while (replies.length < 300 || first.requests.length < 20) {
        replies.push(await call());
        if (replies.length % 5 === 0) clock.turn(30_000); // its circuit breaker closes often
      }
    };
    await Promise.all(Array.from({ length: 20 }, caller));
    const count = replies.length;
    expect(replies.filter(({ status }) => status !== 200).map(({ text }) => text)).toEqual([]);
    const usages = replies.map(
      ({ json: answer }) => answer['usage'] as { prompt_tokens: number; completion_tokens: number },
    );
    await expect
      .poll(() => gateway.usage(token.team), { timeout: 60_000 })
      .toMatchObject({
        requests: count,
        errors: 0,
        input_tokens: usages.reduce((sum, { prompt_tokens: tokens }) => sum + tokens, 0),
        output_tokens: usages.reduce((sum, { completion_tokens: tokens }) => sum + tokens, 0),
      });
    const { json: me } = await get(`${gateway.url}/v1/me`, { token: token.text });
    expect(me).toMatchObject({ limits: [{ metric: 'requests', used: count }] });
  });
});

describe('what may have been done, or is the same everywhere, is not sent again:', () => {
  it.each([
    ['a 500', failsWith(500), 502],
    ['a 400', failsWith(400), 400],
    ["a firewall's page", wafPage(), 400],
    ['no answer in time', hang(), 504],
    ['an answer that breaks off at once', resetAfter('{"choices":', json), 502],
    ['an answer of the wrong kind', respond(200, { 'content-type': 'text/html' }, '<p>'), 502],
  ])('%s', async (_, script, status) => {
    await start({ ...twoAttachments(), UPSTREAM_TIMEOUT_MS: '1000' });
    first.script(script);
    second.script(script);
    expect((await call()).status).toBe(status);
    expect(first.requests.length + second.requests.length).toBe(1);
  });

  it('a stream that has begun', async () => {
    await start(twoAttachments());
    const script = resetAfter(messageFrame({ choices: [{ delta: { content: 'x' } }] }));
    first.script(script);
    second.script(script);
    const answer = await open(`${gateway.url}${paths.chat}`, bodies.chat({ stream: true }), {
      token: token.text,
    });
    expect(await readStream(answer).rest()).toBe('broken');
    expect(first.requests.length + second.requests.length).toBe(1);
  });
});

describe('a request whose tools run elsewhere', () => {
  const remote = {
    tools: [{ type: 'heroku_tool', name: 'dyno_run_command', runtime_params: { target_app_name: 'my-app' } }],
  };
  const granted = { endpoints: [paths.agents], tools: ['dyno_run_command@my-app'] };
  const run = ({ text }: IssuedToken): Promise<Reply> =>
    post(`${gateway.url}${paths.agents}`, bodies.agents(remote), { token: text });

  it.each([
    ['was failed', failsWith(503), 502],
    ['had its connection reset', resetBeforeAnswer(), 502],
  ])('and %s is not sent again: they may have run', async (_, script, status) => {
    await start(twoAttachments());
    const its = await gateway.issue(granted);
    first.script(script);
    second.script(script);
    expect((await run(its)).status).toBe(status);
    expect(first.requests.length + second.requests.length).toBe(1);
  });

  it('and was not taken is sent to another', async () => {
    await start(twoAttachments());
    const its = await gateway.issue(granted);
    first.script(failsWith(429));
    for (let n = 0; n < 2; n += 1) expect((await run(its)).status).toBe(200);
    expect(first.requests).toHaveLength(1);
  });
});

describe('where all fail', () => {
  it('the caller gets the last refusal, and pays for the input where one may have done the work', async () => {
    await start(twoAttachments());
    first.script(failsWith(503));
    second.script(failsWith(429));
    const reply = await call();
    expect([429, 502]).toContain(reply.status);
    const [entry] = await gateway.settled(token.team, 1);
    const sent = Buffer.byteLength(first.requests[0]?.text ?? '');
    expect(entry).toMatchObject({ outcome: 'error', input_tokens: Math.ceil(sent / 4), output_tokens: 0 });
    expect(first.requests.length + second.requests.length).toBe(2);
  });

  it('nobody pays where none took it', async () => {
    await start(twoAttachments());
    first.script(failsWith(401));
    second.script(failsWith(403));
    expect(errorOf(await call()).code).toBe('upstream_auth_failed');
    const [entry] = await gateway.settled(token.team, 1);
    expect(entry).toMatchObject({ outcome: 'error', input_tokens: 0, output_tokens: 0 });
    const { json: me } = await get(`${gateway.url}/v1/me`, { token: token.text });
    expect(me).toMatchObject({ limits: [{ metric: 'requests', used: 0 }] });
  });

  it.each([failsWith(503), failsWith(429), resetBeforeAnswer()])(
    'a single attachment is asked once (%#)',
    async (script) => {
      await start();
      first.script(script);
      expect((await call()).status).toBeGreaterThanOrEqual(429);
      expect(first.requests).toHaveLength(1);
    },
  );

  it('so many attempts are made, and no more', async () => {
    await start({
      ...twoAttachments(),
      THIRD_URL: first.url,
      THIRD_KEY: 'inf-third',
      UPSTREAM_ATTEMPTS: '2',
    });
    first.script(failsWith(503));
    second.script(failsWith(503));
    expect((await call()).status).toBe(502);
    expect(first.requests.length + second.requests.length).toBe(2);
  });

  it('a caller that leaves between attempts ends them', async () => {
    await start(twoAttachments());
    const leaving = new AbortController();
    const leave: Script = (req, res, body) => {
      leaving.abort();
      return failsWith(503)(req, res, body);
    };
    first.script(leave);
    second.script(leave);
    const url = `${gateway.url}${paths.chat}`;
    await expect(post(url, bodies.chat(), { token: token.text, signal: leaving.signal })).rejects.toThrow();
    const [entry] = await gateway.settled(token.team, 1);
    expect(entry).toMatchObject({ outcome: 'aborted' });
    await gateway.close();
    expect(first.requests.length + second.requests.length).toBeLessThanOrEqual(2);
    gateway = await startGateway({ upstream: first });
  });
});

describe('a fallback model', () => {
  beforeEach(() => first.script(failsWith(503)));

  it('answers where the attachments of the model do not, which header and ledger say, at its own price', async () => {
    await start(withFallback());
    for (const stream of [false, true]) {
      const reply = await call({ stream });
      expect(reply.status).toBe(200);
      expect(reply.headers.get('x-tollgate-model')).toBe(other);
    }
    expect(second.requests.map(({ body }) => body)).toMatchObject([{ model: other }, { model: other }]);
    const told = `"model":"${other}","model_requested":"${models.chat}"`;
    expect(gateway.log().split(told)).toHaveLength(3);
    for (const entry of await gateway.settled(token.team, 2)) {
      expect(entry).toMatchObject({ model: other, model_requested: models.chat, outcome: 'ok' });
      const tokens = entry.input_tokens + entry.output_tokens;
      expect(entry.cost_usd).toBeCloseTo(tokens / 1_000_000, 9);
    }
  });

  it('does not answer in the place of a model that has failed but once', async () => {
    await start(withFallback());
    first.script(failsWith(500));
    expect((await call()).status).toBe(502);
    first.script(null);
    expect((await call()).headers.get('x-tollgate-model')).toBeNull();
    expect(second.requests).toHaveLength(0);
  });

  it('answers at once while an attachment goes on failing', async () => {
    const clock = new StoppableClock().stop();
    await start(withFallback(), clock);
    expect((await call()).status).toBe(200);
    clock.turn(1_000); // it is asked once more, and fails again
    await expect
      .poll(
        async () => {
          const before = first.requests.length;
          expect((await call()).status).toBe(200);
          return first.requests.length - before;
        },
        { timeout: 20_000 },
      )
      .toBe(0);
  });

  it('is not used where the model answers', async () => {
    await start(withFallback());
    first.script(null);
    const reply = await call();
    expect(reply.headers.get('x-tollgate-model')).toBeNull();
    const [entry] = await gateway.settled(token.team, 1);
    expect(entry).toMatchObject({ model: models.chat, model_requested: null });
  });

  it.each([
    ['the token', { models: [models.chat] }],
    ['the team', { team: { models: [models.chat] } }],
  ])('is not used where %s may not use it', async (_, policy) => {
    await start(withFallback());
    const its = await gateway.issue(policy);
    expect((await call({}, its.text)).status).toBe(502);
    expect(second.requests).toHaveLength(0);
  });

  it('is not used for a session whose model is pinned', async () => {
    await start(withFallback());
    const pinned = await mintSession(gateway.url, token.text, {
      pinned: { model: models.chat, allow: ['messages', 'max_tokens'] },
    });
    const { model: _, ...body } = bodies.chat() as { model: string };
    const reply = await post(`${gateway.url}${paths.chat}`, body, { token: pinned.token });
    expect(reply.status).toBe(502);
    expect(second.requests).toHaveLength(0);
  });

  it('is not used by a token that may not use it any more', async () => {
    await start(withFallback());
    first.script(null);
    expect((await call()).status).toBe(200);
    first.script(failsWith(503));
    const path = `/admin/teams/${token.team}/tokens/${token.id}`;
    expect((await gateway.admin('PATCH', path, { models: [models.chat] })).status).toBe(200);
    expect((await call()).status).toBe(502);
    expect(second.requests).toHaveLength(0);
  });

  it('gets the request mended for it', async () => {
    await start(withFallback());
    expect((await call({ temperature: 0.5, top_p: 1 })).status).toBe(200);
    expect(first.requests[0]?.body).toMatchObject({ temperature: 0.5, top_p: 1 });
    expect(second.requests[0]?.body).not.toHaveProperty('top_p');
    expect((await call({ temperature: 0.5, top_p: 0.5 })).status).toBe(502);
  });

  it('gets a bound of its own where the gateway had set one, not the caller', async () => {
    await start(withFallback());
    const limited = await gateway.issue({ limits: [{ metric: 'tokens', window: 'day', max: 100_000 }] });
    expect((await call({ max_tokens: undefined }, limited.text)).status).toBe(200);
    expect(first.requests[0]?.body).toMatchObject({ max_tokens: 4096 });
    expect(second.requests[0]?.body).toMatchObject({ max_tokens: 100 });
  });

  it('gets a bound of the caller lowered to its own, which a header says', async () => {
    await start(withFallback());
    const reply = await call({ max_tokens: 101 });
    expect(reply.status).toBe(200);
    expect(second.requests[0]?.body).toMatchObject({ max_tokens: 100 });
    expect(reply.headers.get('x-tollgate-adjusted')).toBe('max_tokens=100');
  });

  it('answers a translated request in its form, with what was changed for both models told', async () => {
    await start(withFallback());
    const wanted = bodies.responses({ max_output_tokens: 101, max_tool_calls: 1 });
    const reply = await post(`${gateway.url}${paths.responses}`, wanted, { token: token.text });
    expect(reply.json).toMatchObject({ object: 'response', status: 'completed', model: other });
    expect(second.requests[0]).toMatchObject({ path: paths.chat, body: { model: other, max_tokens: 100 } });
    expect(reply.headers.get('x-tollgate-adjusted')).toBe('max_tool_calls, max_tokens=100');
    const [entry] = await gateway.settled(token.team, 1);
    expect(entry).toMatchObject({ endpoint: paths.responses, model: other, model_requested: models.chat });
  });

  it('is not used for a request that it would not take', async () => {
    await start({ ...withFallback(), MODELS_FILE: refusingModelsFile });
    expect((await call({ max_tokens: 101 })).status).toBe(502);
    expect(second.requests).toHaveLength(0);
  });
});

describe('a fallback model', () => {
  const perMillion = (usd: number): object => ({
    price: { usd_per_million_input_tokens: usd, usd_per_million_output_tokens: usd },
  });
  /** A gateway whose model fails and has a fallback, at these prices. */
  async function startPriced(own: object, others: object): Promise<void> {
    const catalogue = {
      models: {
        [models.chat]: { kind: 'chat', fallback: other, ...own },
        [other]: { kind: 'chat', max_tokens: 100, ...others },
      },
    };
    const file = join(folder, 'priced-models.json');
    await writeFile(file, JSON.stringify(catalogue));
    await start({ ...withFallback(), MODELS_FILE: file });
    first.script(failsWith(503));
  }

  it.each([
    ['is dearer', perMillion(1), perMillion(1.01)],
    [
      'is dearer in one part',
      perMillion(5),
      { price: { usd_per_million_input_tokens: 1, usd_per_million_output_tokens: 6 } },
    ],
    ['has no price', perMillion(1), {}],
    ['stands in for a model without a price', {}, perMillion(1)],
    ['has no price, like the model', {}, {}],
    [
      'was cheaper until now',
      perMillion(1),
      {
        price: [
          { usd_per_million_input_tokens: 1, usd_per_million_output_tokens: 1 },
          { from: '2020-01-01', usd_per_million_input_tokens: 2, usd_per_million_output_tokens: 2 },
        ],
      },
    ],
  ])('that %s is used only if the team allows it', async (_, own, others) => {
    await startPriced(own, others);
    expect((await call()).status).toBe(502);
    expect(second.requests).toHaveLength(0);
    await gateway.admin('PATCH', `/admin/teams/${token.team}`, { dearer_fallback: true });
    expect((await call()).headers.get('x-tollgate-model')).toBe(other);
    await gateway.admin('PATCH', `/admin/teams/${token.team}`, { dearer_fallback: null });
    expect((await call()).status).toBe(502);
  });

  it.each<[string, Limit, number]>([
    ['requests a day', { metric: 'requests', window: 'day', max: 3 }, 3],
    ['requests a minute', { metric: 'requests', window: 'minute', max: 3 }, 3],
    ['a limit of none', { metric: 'requests', window: 'month', max: 0 }, 0],
    ['requests at a time', { metric: 'concurrency', max: 2 }, 2],
    ['tokens', { metric: 'tokens', window: 'hour', max: 250 }, 2],
  ])('is counted by the limits that name it: %s', async (_, limit, answered) => {
    await startPriced(perMillion(2), perMillion(1));
    await expectAtOnce(answered, { limits: [{ ...limit, models: [other] }] });
  });

  it('is reserved at its own price', async () => {
    await startPriced(perMillion(1), perMillion(1_000));
    const limits: Limit[] = [{ metric: 'cost_usd', window: 'day', max: 0.25 }];
    await expectAtOnce(2, { limits, team: { dearer_fallback: true } });
  });

  /** Of a dozen requests at once, the fallback answers so many; each reserves some 110 tokens. */
  async function expectAtOnce(answered: number, policy: Parameters<TestGateway['issue']>[0]): Promise<void> {
    const its = await gateway.issue(policy);
    const ask = { max_tokens: 100, messages: [{ role: 'user', content: 'Hi' }] };
    let answer = (): void => undefined;
    const whenDecided = new Promise<void>((resolve) => (answer = resolve));
    second.script(() => whenDecided.then(() => false));
    let refused = 0;
    const calls = Array.from({ length: 12 }, async () => {
      const { status } = await call(ask, its.text);
      if (status === 502) refused += 1;
      return status;
    });
    await expect.poll(() => refused + second.requests.length, { timeout: 20_000 }).toBe(12);
    answer();
    const statuses = await Promise.all(calls);
    expect(statuses.filter((status) => status === 200)).toHaveLength(answered);
    expect(second.requests).toHaveLength(answered);
  }

  it('holds what a limit on its model counts only while it may answer', async () => {
    await startPriced(perMillion(2), perMillion(1));
    const limits: Limit[] = [
      { metric: 'concurrency', max: 1, models: [other] },
      { metric: 'requests', window: 'day', max: 5, models: [other] },
    ];
    const its = await gateway.issue({ limits });
    for (let n = 0; n < 2; n += 1) expect((await call({}, its.text)).status).toBe(200);
    first.script(failsWith(401));
    second.script(failsWith(401));
    expect((await call({}, its.text)).status).toBe(502);
    await gateway.settled(its.team, 3);
    const used = async (): Promise<unknown[]> => {
      const { json: me } = await get(`${gateway.url}/v1/me`, { token: its.text });
      return (me['limits'] as { used: number }[]).map((limit) => limit.used).sort((a, b) => a - b);
    };
    await expect.poll(used).toEqual([0, 2]);
  });
});

describe('what one team brings about', () => {
  const marked = { messages: [{ role: 'user', content: 'trouble' }] };
  /** What the upstream does with marked requests only. */
  const inTrouble =
    (script: Script): Script =>
    (req, res, body) =>
      JSON.stringify(body).includes('trouble') && script(req, res, body);

  it.each([
    ['an answer that does not come', hang()],
    ['503', failsWith(503)],
    ['500', failsWith(500)],
    ['a refused key', failsWith(403)],
    ['a reset', resetBeforeAnswer()],
    ['429 without a wait', failsWith(429)],
  ])('gives no other team another model or attachment: %s', async (_, script) => {
    const short = { UPSTREAM_TIMEOUT_MS: '1000', STREAM_IDLE_TIMEOUT_MS: '1000' };
    await start({ ...withFallback(), ...short });
    const hostile = await gateway.issue({ team: { id: token.team } });
    const honest = await gateway.issue();
    first.script(inTrouble(script));
    for (let n = 0; n < 2; n += 1) {
      await Promise.all(
        [token, hostile, hostile].map(({ text }) =>
          call({ ...marked, stream: n > 0 }, text).catch(() => cut),
        ),
      );
      const replies = await Promise.all(Array.from({ length: 5 }, () => call({}, honest.text)));
      for (const reply of replies) {
        expect(reply.status).toBe(200);
        expect(reply.headers.get('x-tollgate-model')).toBeNull();
      }
    }
  });

  it('is believed once another team meets it too', async () => {
    await start(withFallback(), new StoppableClock().stop());
    first.script(failsWith(503));
    const others = [await gateway.issue(), await gateway.issue()];
    for (const { text } of others) {
      for (let n = 0; n < 2; n += 1)
        expect((await call({}, text)).headers.get('x-tollgate-model')).toBe(other);
    }
    const before = first.requests.length;
    expect((await call()).headers.get('x-tollgate-model')).toBe(other);
    expect(first.requests.length - before).toBeLessThanOrEqual(1);
  });
});
