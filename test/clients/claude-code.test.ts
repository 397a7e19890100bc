import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type NewToken, startGateway, type TestGateway } from '../support/gateway.ts';
import { waitFor } from '../support/wait-for.ts';
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
const saidByStandIn: unknown = expect.stringContaining('a stand-in for Heroku Inference');

/** What it prints, as far as it matters here. */
interface Answer {
  is_error: boolean;
  result: string;
  usage: { output_tokens: number };
}

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

// Its command takes seconds of CPU to start, and more under load.
describe('Claude Code', { timeout: 300_000 }, () => {
  it('gets answers from a model it does not know, tools and all, and each is paid once', async () => {
    const token = await gateway.issue();
    const { exitCode, stdout } = await ask('Say hello to the lighthouse', token.text);
    const { usage, ...answer } = JSON.parse(stdout) as Answer;
    expect([exitCode, answer]).toEqual([
      0,
      expect.objectContaining({ is_error: false, result: saidByStandIn }),
    ]);
    const entries = await gateway.settled(token.team, 2); // it ran the tool that the stand-in called
    for (const entry of entries) expect(entry).toMatchObject({ outcome: 'ok', endpoint: '/v1/messages' });
    expect(entries.reduce((sum, entry) => sum + entry.output_tokens, 0)).toBe(usage.output_tokens);

    // The second time, what the model refuses is known: everything is sent once.
    const before = gateway.upstream.requests.length;
    await ask('Say it again', token.text);
    const all = await gateway.settled(token.team, entries.length + 2);
    const sent = gateway.upstream.requests.slice(before);
    expect(sent).toHaveLength(all.length - entries.length);
    for (const { body } of sent) {
      expect(body).not.toMatchObject({
        messages: expect.arrayContaining([expect.objectContaining({ role: 'system' })]),
      });
    }
  });

  it('is told estimates of its context, which cost nothing', async () => {
    const token = await gateway.issue();
    const before = gateway.upstream.requests.length;
    const { exitCode, stdout } = await ask('/context', token.text);
    const { result } = JSON.parse(stdout) as Answer;
    expect([exitCode, result]).toEqual([0, expect.stringMatching(/\| System prompt \| [1-9]/)]);
    expect(gateway.upstream.requests.length).toBe(before);
    const { body } = await gateway.admin('GET', `/admin/requests?team=${token.team}`);
    expect(body['data']).toEqual([]);
  });

  it.each<[string, NewToken, boolean]>([
    ['if a quota is empty', { limits: [{ metric: 'requests', window: 'day', max: 0 }] }, false],
    ['with a token that was revoked', {}, true],
  ])('gives up at once %s, instead of trying eleven times', async (_, wanted, isRevoked) => {
    const token = await gateway.issue(wanted);
    if (isRevoked) await gateway.admin('DELETE', `/admin/teams/${token.team}/tokens/${token.id}`);
    const { exitCode, stdout } = await ask('Hello', token.text);
    expect([exitCode, JSON.parse(stdout)]).toEqual([1, expect.objectContaining({ is_error: true })]);
    const { count } = await waitFor(() => refusalsOf(token.team), { what: 'refusals' });
    expect(count).toBeLessThanOrEqual(2);
  });
});

/** How often requests of a team were refused; null if they are not counted yet. */
async function refusalsOf(team: string): Promise<{ count: number } | null> {
  const { body } = await gateway.admin('GET', `/admin/refusals?team=${team}`);
  const rows = body['data'] as { refused: number }[]; // a report's rows
  return rows.length === 0 ? null : { count: rows.reduce((sum, row) => sum + row.refused, 0) };
}
