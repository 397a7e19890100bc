import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bodies, open, paths, post, readStream } from '../../support/gateway-client.ts';
import { type NewToken, startGateway, type TestGateway } from '../../support/gateway.ts';
import { resetAfter, streamFrames } from '../../support/upstream-scripts.ts';

const heroku = [
  'event:message\ndata:{"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":""}]}\n\n',
  'event:message\ndata:{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":7,"total_tokens":10}}\n\n',
  'event:done\ndata:[DONE]\n\n',
];
const openai =
  'data: {"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}]}\n\n' +
  'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":7,"total_tokens":10}}\n\n' +
  'data: [DONE]\n\n';

let gateway: TestGateway;

beforeAll(async () => {
  const models = { strict: { kind: 'chat', frames: 'openai' } };
  gateway = await startGateway({ models, standIn: { listsModels: false } });
});
afterAll(() => gateway.close());

async function streamed(wanted: NewToken, body: object): Promise<string> {
  const token = await gateway.issue(wanted);
  const { text } = await post(`${gateway.url}${paths.chat}`, bodies.chat({ stream: true, ...body }), {
    token: token.text,
  });
  const [entry] = await gateway.settled(token.team, 1);
  expect(entry).toMatchObject({ outcome: 'ok', input_tokens: 3, output_tokens: 7 });
  return text;
}

describe('frames of a stream', () => {
  it('come as Heroku sends them, unless someone asks', async () => {
    gateway.upstream.script(streamFrames(heroku));
    expect(await streamed({}, {})).toBe(heroku.join(''));
  });

  it("come in OpenAI's shape for a token that asks for it", async () => {
    gateway.upstream.script(streamFrames(heroku));
    expect(await streamed({ frames: 'openai' }, {})).toBe(openai);
  });

  it("come in OpenAI's shape for a model whose entry asks for it", async () => {
    gateway.upstream.script(streamFrames(heroku));
    expect(await streamed({}, { model: 'strict' })).toBe(openai);
  });

  it('are cut with an error event if the upstream breaks off', async () => {
    gateway.upstream.script(resetAfter(heroku[0] ?? ''));
    const token = await gateway.issue({ frames: 'openai' });
    const answer = await open(`${gateway.url}${paths.chat}`, bodies.chat({ stream: true }), {
      token: token.text,
    });
    const stream = readStream(answer);
    expect(await stream.rest()).toBe('broken');
    expect(stream.text()).toMatch(/^data: \{"choices".*\n\nevent: error\ndata: \{"error":/);
  });

  it("of Anthropic's stay as they are: their names are part of them", async () => {
    gateway.upstream.script(null);
    const [plain, asked] = await Promise.all(
      [{}, { frames: 'openai' } as const].map(async (wanted) => {
        const token = await gateway.issue(wanted);
        const body = bodies.messages({ stream: true });
        return post(`${gateway.url}${paths.messages}`, body, { token: token.text });
      }),
    );
    const names = (text = ''): string[] => text.split('\n').filter((line) => line.startsWith('event:'));
    expect(names(asked?.text)).toEqual(names(plain?.text));
    expect(names(asked?.text)).not.toEqual([]);
  });

  it('of another shape are refused by name', async () => {
    const token = await gateway.issue();
    const record = `/admin/teams/${token.team}/tokens/${token.id}`;
    const { status, body } = await gateway.admin('PATCH', record, { frames: 'anthropic' });
    expect([status, body['error']]).toEqual([400, expect.objectContaining({ param: 'frames' })]);
    expect(await gateway.admin('PATCH', record, { frames: 'openai' })).toMatchObject({
      status: 200,
      body: { frames: 'openai' },
    });
  });
});
