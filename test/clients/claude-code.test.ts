import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type NewToken, startGateway, type TestGateway } from '../support/gateway.ts';
import { type AgentRun, binaryOf, emptyHome, runAgent } from './support/run-agent.ts';

/*
 * Claude Code from npm, non-interactive, against a stand-in as strict as Heroku. For models it does not know, it puts a
 * system message inside `messages` and asks for 32,000 tokens; Heroku's models take neither.
 */

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway({ standIn: { strict: true } });
});
afterAll(() => gateway.close());

const model = 'claude-4-5-haiku';

async function ask(prompt: string, token: string): Promise<AgentRun> {
  const home = await emptyHome();
  return runAgent(
    binaryOf('@anthropic-ai/claude-code', 'claude'),
    ['-p', prompt, '--model', model, '--output-format', 'json'],
    {
      home,
      env: {
        ANTHROPIC_BASE_URL: gateway.url,
        ANTHROPIC_AUTH_TOKEN: token,
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
        DISABLE_AUTOUPDATER: '1',
      },
    },
  );
}

describe('Claude Code', () => {
  it('gets an answer from a model it does not know, and the answer is paid once', async () => {
    const token = await gateway.issue();
    const { exitCode, stdout } = await ask('Say hello to the lighthouse', token.text);
    const answer = JSON.parse(stdout) as {
      is_error: boolean;
      result: string;
      usage: { output_tokens: number };
    };
    expect([exitCode, answer.is_error, answer.result]).toEqual([
      0,
      false,
      expect.stringContaining('lighthouse'),
    ]);
    const entries = await gateway.settled(token.team, 1);
    expect(entries.map(({ outcome, endpoint }) => [outcome, endpoint])).toEqual([['ok', '/v1/messages']]);
    expect(entries[0]?.output_tokens).toBe(answer.usage.output_tokens);
  });

  it('is sent on at once the second time: what the model refuses is known', async () => {
    const token = await gateway.issue();
    await ask('Once', token.text);
    const before = gateway.upstream.requests.length;
    await ask('Twice', token.text);
    const sent = gateway.upstream.requests.slice(before).filter(({ path }) => path === '/v1/messages');
    expect(sent).toHaveLength(1);
    expect(sent[0]?.body).not.toMatchObject({
      messages: expect.arrayContaining([expect.objectContaining({ role: 'system' })]),
    });
  });

  it.each<[string, NewToken]>([
    ['a model it may not use', { models: ['claude-opus-4-5'] }],
    ['an empty quota', { limits: [{ metric: 'requests', window: 'day', max: 0 }] }],
  ])('is refused %s once, without eleven tries', async (_, wanted) => {
    const token = await gateway.issue(wanted);
    const before = gateway.upstream.requests.length;
    const { exitCode, stdout } = await ask('Hello', token.text);
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ is_error: true });
    expect(gateway.upstream.requests.length).toBe(before);
  });

  it('gives up at once with a token that is not known', async () => {
    const token = await gateway.issue();
    await gateway.admin('DELETE', `/admin/teams/${token.team}/tokens/${token.id}`);
    const { exitCode, stdout } = await ask('Hello', token.text);
    expect([exitCode, JSON.parse(stdout)]).toEqual([1, expect.objectContaining({ is_error: true })]);
  });
});
