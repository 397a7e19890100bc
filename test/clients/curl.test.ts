import { describe, expect, it } from 'vitest';
import { curlClient } from './adapters/curl.ts';
import { clientCases } from './support/cases.ts';
import { ground } from './support/ground.ts';
import { models } from './support/client.ts';

const on = ground();
clientCases(curlClient, on);

describe('what curl does besides', () => {
  it('it sends JSON as a form, which is read as JSON and goes on as that', async () => {
    const { site } = on();
    const conversation = curlClient.uses['POST /v1/chat/completions'];
    await conversation?.plain(await site.connect(), 'Hello');
    expect(site.upstream.requests.at(-1)).toMatchObject({
      headers: { 'content-type': 'application/json' },
      body: { model: models.chat },
    });
  });
});
