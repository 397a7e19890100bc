import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type IssuedToken, startGateway, type TestGateway } from '../support/gateway.ts';
import { type Nginx, startNginx } from '../support/nginx.ts';

/* A gateway behind a real nginx with its default configuration, which collects answers before it sends them. */

let gateway: TestGateway;
let nginx: Nginx;
let token: IssuedToken;

beforeAll(async () => {
  gateway = await startGateway();
  nginx = await startNginx(gateway.url);
  token = await gateway.issue();
});
afterAll(async () => {
  await nginx.stop();
  await gateway.close();
});

const frame = (word: string): string =>
  `event:message\ndata:{"choices":[{"index":0,"delta":{"content":"${word}"},"finish_reason":""}]}\n\n`;
const end = 'event:done\ndata:[DONE]\n\n';

const bodies = {
  '/v1/chat/completions': { model: 'claude-4-5-haiku', stream: true },
  '/v1/messages': { model: 'claude-4-5-haiku', stream: true, max_tokens: 100 },
};

describe('a gateway behind nginx', () => {
  it.each(Object.entries(bodies))(
    '%s streams: an event arrives before the next one is made',
    async (path, body) => {
      const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
      gateway.upstream.script(async (_req, res) => {
        res.writeHead(200, { 'content-type': 'text/event-stream' });
        res.write(frame('one'));
        await arrived; // would wait for ever if nginx kept the first event
        res.end(frame('two') + end);
        return true;
      });
      const answer = await fetch(nginx.url + path, {
        method: 'POST',
        headers: { authorization: `Bearer ${token.text}` },
        body: JSON.stringify({ ...body, messages: [{ role: 'user', content: 'Count.' }] }),
      });
      expect(answer.status).toBe(200);
      expect(answer.headers.get('cache-control')).toBe('no-cache, no-transform');
      let text = '';
      for await (const chunk of answer.body ?? []) {
        text += Buffer.from(chunk).toString();
        if (text.includes('one')) arrive();
      }
      expect(text).toContain('two');
    },
  );
});
