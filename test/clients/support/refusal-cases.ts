import { expect, it } from 'vitest';
import type { ClientUnderTest, Conversation } from './client.ts';
import type { Ground } from './ground.ts';
import { failureOf, holdPlace } from './happenings.ts';
import type { Watch } from './watch.ts';

const prompt = 'Hello there';

/** What a client makes of a 401 and of each kind of 429: how often it tries, how long it waits, what its error says. */
export function refusalCases(
  client: ClientUnderTest,
  conversation: Conversation,
  ground: () => Ground,
): void {
  const { tries, heedsRetryAfter } = client;

  it('401: the error says so', async () => {
    const { site, watch } = ground();
    watch.begin();
    const error = await failureOf(() => conversation.plain({ url: site.url, token: 'not-a-token' }, prompt));
    expect(client.told(error)).toMatchObject(expectedOf(client, 401, 'invalid_token'));
    expectTries(watch, tries?.unauthorized, 401);
  });

  it(`429, come back in a second: ${heedsRetryAfter ? 'it waits that long' : 'it waits by its own clock'}`, async () => {
    const { site, watch } = ground();
    const at = await site.connect({ limits: [{ metric: 'concurrency', max: 1 }] });
    const release = await holdPlace(site, at);
    watch.begin();
    const error = await failureOf(() => conversation.plain(at, prompt));
    expect(client.told(error)).toMatchObject(expectedOf(client, 429, 'rate_limit_exceeded'));
    expectTries(watch, tries?.busy, 429);
    if (tries && heedsRetryAfter)
      expect(watch.waitsMs.filter((ms) => ms === 1_000)).toHaveLength(tries.busy - 1);
    await release();
    expect(await conversation.plain(at, prompt)).toContain(prompt);
  });

  it('429, come back in more than a minute: the error says so', async () => {
    const { site, watch } = ground();
    const at = await site.connect({ limits: [{ metric: 'requests', window: 'hour', max: 1 }] });
    await conversation.plain(at, prompt);
    watch.begin();
    const error = await failureOf(() => conversation.plain(at, prompt));
    expect(client.told(error)).toMatchObject(expectedOf(client, 429, 'rate_limit_exceeded'));
    expectTries(watch, tries?.later, 429);
  });

  it('429, the quota is used up: the error says so', async () => {
    const { site, watch } = ground();
    const at = await site.connect({ limits: [{ metric: 'requests', window: 'day', max: 0 }] });
    watch.begin();
    const error = await failureOf(() => conversation.plain(at, prompt));
    expect(client.told(error)).toMatchObject(expectedOf(client, 429, 'insufficient_quota'));
    expectTries(watch, tries?.quota, 429);
  });
}

/** How often a call was sent, each time answered with this status. */
export function expectTries({ calls }: Watch, tries: number | undefined, status: number): void {
  if (tries !== undefined)
    expect(calls.map((call) => call.status)).toEqual(Array<number>(tries).fill(status));
}

/** What a client tells of an error of the gateway: some do not keep the status, or the code. */
export function expectedOf({ tells }: ClientUnderTest, status: number, code: string): object {
  return { ...(tells.status ? { status } : {}), ...(tells.code ? { code } : {}) };
}
