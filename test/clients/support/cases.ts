import { describe, expect, it } from 'vitest';
import { endpointPaths } from '../../../src/validation/registry.ts';
import { type ClientUnderTest, type Connection, models, type Use, type Uses } from './client.ts';
import { conversationCases } from './conversation-cases.ts';
import type { Ground } from './ground.ts';

/** Every case of everything a client can be used for. */
export function clientCases(client: ClientUnderTest, on: () => Ground): void {
  describe(client.name, () => {
    conversationCases(client, 'POST /v1/chat/completions', on);
    conversationCases(client, 'POST /v1/responses', on);
    conversationCases(client, 'POST /v1/messages', on);
    otherCases(client.uses, on);
  });
}

function otherCases(uses: Uses, on: () => Ground): void {
  const {
    'POST /v1/embeddings': embed,
    'POST /v1/images/generations': draw,
    'POST /v1/rerank': rank,
    'POST /v1/agents/heroku': run,
    'GET /v1/models': listModels,
    'GET /available-models': listAvailable,
    'GET /v1/mcp/servers': listServers,
  } = uses;
  const one = (use: Use, given: unknown, check: (at: Connection) => Promise<void>): void => {
    if (given === undefined) return;
    it(use, async () => {
      const { site } = on();
      const at = await site.connect({ endpoints: [...endpointPaths], tools: ['forecast'] });
      await check(at);
      const entries = use.startsWith('POST') ? await site.settled(at.issued.team, 1) : [];
      for (const entry of entries) expect(entry).toMatchObject({ outcome: 'ok' });
    });
  };
  one('POST /v1/embeddings', embed, async (at) => {
    const vectors = await embed?.(at, ['one', 'two']);
    expect(vectors).toHaveLength(2);
    expect(vectors?.flat().every((each) => typeof each === 'number')).toBe(true);
    expect(vectors?.[0]).not.toEqual(vectors?.[1]);
  });
  one('POST /v1/images/generations', draw, async (at) => {
    const image = Buffer.from((await draw?.(at, 'A lighthouse')) ?? '', 'base64');
    expect(image.subarray(1, 4).toString()).toBe('PNG');
  });
  one('POST /v1/rerank', rank, async (at) => {
    expect(await rank?.(at, 'blue whale', ['a red car', 'the blue whale', 'a blue car'])).toEqual([1, 2, 0]);
  });
  one('POST /v1/agents/heroku', run, async (at) => {
    expect(await run?.(at, 'Hello there')).toContain('Hello there');
  });
  one('GET /v1/models', listModels, async (at) => {
    expect(await listModels?.(at)).toEqual(expect.arrayContaining([models.chat, models.embeddings]));
  });
  one('GET /available-models', listAvailable, async (at) => {
    expect(await listAvailable?.(at)).toEqual(expect.arrayContaining([models.chat, models.embeddings]));
  });
  one('GET /v1/mcp/servers', listServers, async (at) => {
    expect((await listServers?.(at))?.length).toBeGreaterThan(0);
  });
}
