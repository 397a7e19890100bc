import { describe, expect, it } from 'vitest';
import type { Script } from '../../support/stand-in.ts';
import { resetAfter, respond, streamFrames } from '../../support/upstream-scripts.ts';
import { waitFor } from '../../support/wait-for.ts';
import { type ClientUnderTest, type Conversation, weatherSaid } from './client.ts';
import type { Ground } from './ground.ts';
import { type ConversationUse, type Halves, halves } from './frames.ts';
import { deferredRest, failureOf } from './happenings.ts';
import { expectedOf, expectTries, refusalCases } from './refusal-cases.ts';

const json = { 'content-type': 'application/json' };
const prompt = 'Hello there';

/** The cases of a conversation endpoint: the same for every client that has it. */
export function conversationCases(client: ClientUnderTest, use: ConversationUse, ground: () => Ground): void {
  const conversation = client.uses[use];
  if (conversation === undefined) return;
  describe(use, () => {
    answers(conversation, ground);
    leaving(client, { conversation, frames: halves[use] }, ground);
    refusalCases(client, conversation, ground);
    trouble(client, { conversation, frames: halves[use] }, ground);
    if (use !== 'POST /v1/responses') withoutGateway(conversation, halves[use], ground); // the upstream has no such endpoint
  });
}

function answers(conversation: Conversation, ground: () => Ground): void {
  it('plain', async () => {
    const { site } = ground();
    const at = await site.connect();
    expect(await conversation.plain(at, prompt)).toContain(prompt);
    const [entry] = await site.settled(at.issued.team, 1);
    expect(entry).toMatchObject({ outcome: 'ok', usage: 'reported', stream: false });
  });

  it('streamed', async () => {
    const { site } = ground();
    const at = await site.connect();
    const pieces = await Array.fromAsync(conversation.stream(at, prompt));
    expect(pieces.join('')).toContain(prompt);
    expect(pieces.filter((piece) => piece !== '').length).toBeGreaterThan(1);
    const [entry] = await site.settled(at.issued.team, 1);
    expect(entry).toMatchObject({ outcome: 'ok', usage: 'reported', stream: true });
  });

  it('tools, over two rounds', async () => {
    const { site } = ground();
    const at = await site.connect();
    expect(await conversation.tools(at, 'How is the weather?')).toContain(weatherSaid);
    const entries = await site.settled(at.issued.team, 2);
    expect(entries.map(({ outcome }) => outcome)).toEqual(['ok', 'ok']);
  });
}

interface Spoken {
  conversation: Conversation;
  frames: Halves;
}

function leaving({ onAbort }: ClientUnderTest, { conversation, frames }: Spoken, ground: () => Ground): void {
  const ended =
    onAbort === 'closes it' ? 'ends the call upstream, charged as aborted' : 'is not noticed by anybody';
  it(`an abort ${onAbort === 'closes it' ? 'closes the connection, which' : 'leaves the connection open, and'} ${ended}`, async () => {
    const { site } = ground();
    const at = await site.connect();
    const { script, goOn } = deferredRest(frames);
    site.upstream.script(script);
    const { aborted } = site.upstream;
    const controller = new AbortController();
    const reading = async (): Promise<void> => {
      for await (const piece of conversation.stream(at, prompt, controller.signal))
        if (piece !== '') controller.abort();
    };
    await reading().catch(() => undefined); // some throw, some just end
    if (onAbort === 'closes it')
      await waitFor(() => site.upstream.aborted > aborted, { what: 'the upstream to be left' });
    goOn();
    const [entry] = await site.settled(at.issued.team, 1);
    expect(entry).toMatchObject(
      onAbort === 'closes it'
        ? { outcome: 'aborted', usage: 'estimated' }
        : { outcome: 'ok', usage: 'reported' }, // the whole answer was made, and is charged
    );
  });
}

function trouble(client: ClientUnderTest, { conversation, frames }: Spoken, ground: () => Ground): void {
  it('an error of the upstream', async () => {
    const { site, watch } = ground();
    const at = await site.connect();
    site.upstream.script(respond(500, json, '{"error":"Failed to execute chat"}'));
    watch.begin();
    const error = await failureOf(() => conversation.plain(at, prompt));
    expect(client.told(error)).toMatchObject(expectedOf(client, 502, 'upstream_error'));
    expectTries(watch, client.tries?.failed, 502);
  });

  const opening = frames.opening.join('');
  const cuts: [string, Script][] = [
    ['cut between events', resetAfter(opening)],
    ['cut inside an event', resetAfter(opening + opening.slice(0, -20))],
    ['ended too early', streamFrames(frames.opening)],
  ];
  it.each(cuts)('a stream that the upstream %s is no answer', async (_how, script) => {
    const { site } = ground();
    const at = await site.connect();
    site.upstream.script(script);
    const error = await failureOf(() => Array.fromAsync(conversation.stream(at, prompt)));
    expect(error).toBeInstanceOf(Error);
    const [entry] = await site.settled(at.issued.team, 1);
    expect(entry).toMatchObject({ outcome: 'error', error_code: 'upstream_error' });
  });
}

function withoutGateway(conversation: Conversation, { opening }: Halves, ground: () => Ground): void {
  it('a stream that ends too early is an answer to it, where no gateway says otherwise', async () => {
    const { upstream } = ground().site;
    upstream.script(streamFrames(opening));
    const direct = { url: upstream.url, token: upstream.key };
    expect((await Array.fromAsync(conversation.stream(direct, prompt))).join('')).toBe('Good');
  });
}
