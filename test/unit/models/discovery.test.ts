import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Attachment } from '../../../src/base/attachment.ts';
import { hang, respond } from '../../support/upstream-scripts.ts';
import { type Script, startStandIn, type StandIn } from '../../support/stand-in.ts';
import { Discovery } from '../../../src/models/discovery.ts';
import { TurnedClock } from '../../support/turned-clock.ts';
import { waitFor, within } from '../../support/wait-for.ts';

const json = { 'content-type': 'application/json' };
let upstream: StandIn;
let clock: TurnedClock;
let said: string[];
const opened: Discovery[] = [];

beforeEach(async () => {
  upstream = await startStandIn();
  clock = new TurnedClock();
  said = [];
});

afterEach(async () => {
  for (const discovery of opened.splice(0)) discovery.close();
  await upstream.close();
});

function open({
  baseUrl = upstream.url,
  refreshMs = 3_600_000,
  modelId = null as string | null,
} = {}): Discovery {
  const attachments = ['A', 'B'].map((name): Attachment => ({ name, baseUrl, key: 'inf-key', modelId }));
  const say = (message: string): void => void said.push(message);
  const log = { info: say, warn: say, error: say };
  const discovery = new Discovery({ attachments, refreshMs, clock, log });
  opened.push(discovery);
  return discovery;
}

const listed = (discovery: Discovery): string[] | null => {
  const models = discovery.at(upstream.url);
  return models && [...models.keys()];
};
const answer = (value: unknown): Script => respond(200, json, JSON.stringify(value));
const asked = (count: number): Promise<void> => upstream.waitFor(({ modelsAsked }) => modelsAsked >= count);
const toList = (discovery: Discovery, id: string): Promise<unknown> =>
  waitFor(() => listed(discovery)?.includes(id), { what: `${id} to be listed` });

describe('an upstream', () => {
  it('is asked once for all of its attachments, without a key, and by nobody who waits', async () => {
    const headers: unknown[] = [];
    upstream.scriptModels((req) => {
      headers.push(req.headers.authorization, req.headers['x-api-key']);
      return false;
    });
    const discovery = open();
    expect(discovery.at(upstream.url)).toBeNull();
    discovery.start();
    expect(discovery.at(upstream.url)).toBeNull();
    await toList(discovery, 'claude-4-sonnet');
    expect(headers).toEqual([undefined, undefined]);
    expect(said).toEqual([]);
  });

  it('is not asked for attachments of one model', async () => {
    const discovery = open({ modelId: 'm' });
    discovery.start();
    await discovery.askAgain();
    expect(upstream.modelsAsked).toBe(0);
  });

  it('is asked again and again, and its last good answer is kept', async () => {
    upstream.scriptModels(answer([{ model_id: 'old' }]));
    const discovery = open({ refreshMs: 20 });
    discovery.start();
    await toList(discovery, 'old');
    upstream.scriptModels(respond(500));
    await waitFor(() => said.length > 0, { what: 'the failure to be told' });
    await asked(upstream.modelsAsked + 3);
    expect(listed(discovery)).toEqual(['old']);
    upstream.scriptModels(answer([{ model_id: 'new' }]));
    await toList(discovery, 'new');
    expect(listed(discovery)).toEqual(['new']);
    expect(said).toEqual([
      'the upstream does not list its models; the last list is kept',
      'the upstream lists its models again',
    ]);
  });

  it.each<[string, Script]>([
    ['is not found', respond(404, json, '[{"model_id":"m"}]')],
    ['wants a key', respond(401, json, '{"error":{}}')],
    ['is a page', respond(200, { 'content-type': 'text/html' }, '<html><body>Sign in</body></html>')],
    ['is of another shape', answer({ data: [{ id: 'm' }] })],
    ['is empty', answer([])],
    ['is elsewhere', respond(302, { location: 'https://elsewhere.example/' })],
    ['is too long', answer([{ model_id: 'm', padding: 'x'.repeat(1_048_577) }])],
  ])('whose answer %s has told nothing', async (_, script) => {
    upstream.scriptModels(script);
    const discovery = open();
    discovery.start();
    await waitFor(() => said.length > 0, { what: 'the failure to be told' });
    expect(listed(discovery)).toBeNull();
    expect(said).toEqual(['the upstream lists no models; any model is sent to it']);
  });

  it('that cannot be reached has told nothing', async () => {
    await upstream.close();
    const discovery = open();
    await within(discovery.askAgain(), 5_000, 'the refusal of a connection');
    expect(listed(discovery)).toBeNull();
  });

  it('that does not answer is waited for 3 s', async () => {
    const deadline = new AbortController();
    const timeout = vi.spyOn(AbortSignal, 'timeout').mockReturnValue(deadline.signal);
    onTestFinished(() => timeout.mockRestore());
    upstream.scriptModels(hang());
    const discovery = open();
    const asking = discovery.askAgain();
    await asked(1);
    expect(timeout.mock.calls).toEqual([[3_000]]);
    deadline.abort();
    await within(asking, 5_000, 'the end of asking');
    expect(listed(discovery)).toBeNull();
  });
});

describe('asking once more', () => {
  it('is done at most every 30 s, whoever wants it', async () => {
    const discovery = open();
    await Promise.all([discovery.askAgain(), discovery.askAgain()]);
    await discovery.askAgain();
    clock.aheadMs = 29_000;
    await discovery.askAgain();
    expect(upstream.modelsAsked).toBe(1);
    clock.aheadMs = 31_000;
    await discovery.askAgain();
    expect(upstream.modelsAsked).toBe(2);
  });

  it('ends with the gateway', async () => {
    upstream.scriptModels(hang());
    const discovery = open();
    const asking = discovery.askAgain();
    await asked(1);
    discovery.close();
    await within(asking, 2_000, 'the end of asking');
  });
});
