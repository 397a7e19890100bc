import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { doneFrame, messageFrame } from '../../src/demo/frames.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { streamFrames } from '../support/upstream-scripts.ts';
import { type AgentRun, binaryOf, emptyHome, runAgent } from './support/run-agent.ts';

/* Codex from npm, non-interactive, against a stand-in as strict as Heroku. It speaks the Responses API only. */

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway({ standIn: { strict: true } });
});
afterEach(() => gateway.upstream.script(null));
afterAll(() => gateway.close());

const model = 'claude-4-5-haiku';

/** What Codex asks to know of a model. It offers `apply_patch` to those of which this says so. */
const catalogue = {
  models: [
    {
      slug: model,
      display_name: model,
      base_instructions: 'You are a coding agent.',
      supported_reasoning_levels: [],
      shell_type: 'shell_command',
      visibility: 'list',
      supported_in_api: true,
      priority: 1,
      support_verbosity: false,
      apply_patch_tool_type: 'freeform',
      truncation_policy: { mode: 'tokens', limit: 10_000 },
      context_window: 200_000,
      experimental_supported_tools: [],
    },
  ],
};

/** Its configuration: this gateway, named by the setting of its own provider or as a provider. */
function configFor(as: 'openai_base_url' | 'model_providers', catalogueFile: string): string {
  const url = `${gateway.url}/v1`;
  const top = [
    `model = "${model}"`,
    `model_catalog_json = "${catalogueFile}"`,
    'web_search = "disabled"',
    'check_for_update_on_startup = false',
    'analytics.enabled = false',
  ];
  if (as === 'openai_base_url') return [...top, `openai_base_url = "${url}"`].join('\n');
  return [
    ...top,
    'model_provider = "tollgate"',
    '[model_providers.tollgate]',
    'name = "Tollgate"',
    `base_url = "${url}"`,
    'env_key = "TOLLGATE_TOKEN"',
    'wire_api = "responses"',
  ].join('\n');
}

interface Told extends AgentRun {
  /** What it did and said, in order. */
  items: { type: string; text?: string; status?: string; aggregated_output?: string }[];
  home: string;
}

async function ask(
  prompt: string,
  token: string,
  as: Parameters<typeof configFor>[0] = 'model_providers',
): Promise<Told> {
  const home = await emptyHome();
  await mkdir(join(home, '.codex'));
  const catalogueFile = join(home, 'models.json');
  await writeFile(catalogueFile, JSON.stringify(catalogue));
  await writeFile(join(home, '.codex', 'config.toml'), configFor(as, catalogueFile));
  // The file system is the test's own, and a sandbox inside a container may not start.
  const flags = ['--json', '--skip-git-repo-check', '--dangerously-bypass-approvals-and-sandbox'];
  const command = binaryOf('codex', 'vendor/x86_64-unknown-linux-musl/bin/codex');
  const env = { TOLLGATE_TOKEN: token, CODEX_API_KEY: token };
  const run = await runAgent(command, ['exec', ...flags, prompt], { home, env });
  const events = run.stdout.split('\n').filter((line) => line !== '');
  const items = events
    .map((line) => JSON.parse(line) as { type: string; item: Told['items'][number] })
    .filter(({ type }) => type === 'item.completed')
    .map(({ item }) => item);
  return { ...run, items, home };
}

const saidByStandIn = {
  type: 'agent_message',
  text: expect.stringContaining('a stand-in for Heroku Inference') as unknown,
};

/** The stand-in calls a tool with these arguments; afterwards it answers as usual. */
function call(name: string, args: object): void {
  const chunk = (delta: object, finishReason: string): string =>
    messageFrame({
      id: 'chatcmpl-1',
      object: 'chat.completion.chunk',
      created: 1_790_000_000,
      model,
      choices: [{ index: 0, delta: { ...delta }, finish_reason: finishReason }],
      usage: { prompt_tokens: 8, completion_tokens: 2, total_tokens: 10 },
    });
  const called = { name, arguments: JSON.stringify(args) };
  const frames = streamFrames([
    chunk(
      { role: 'assistant', tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: called }] },
      '',
    ),
    chunk({}, 'tool_calls'),
    doneFrame,
  ]);
  gateway.upstream.script((...request) => {
    gateway.upstream.script(null);
    return frames(...request);
  });
}

// Its command takes seconds of CPU to start, and more under load. Its package here is for Linux on x64 only.
const isThere = process.platform === 'linux' && process.arch === 'x64';
describe.runIf(isThere)('Codex', { timeout: 300_000 }, () => {
  it('runs a command that the model calls for, and tells it what came of it', async () => {
    const token = await gateway.issue();
    call('exec_command', { cmd: 'echo "The lamp is $((6 * 7))"' });
    const { exitCode, items } = await ask('Look after the lighthouse', token.text);
    expect([exitCode, items]).toEqual([
      0,
      [
        expect.objectContaining({ type: 'command_execution', aggregated_output: 'The lamp is 42\n' }),
        expect.objectContaining(saidByStandIn),
      ],
    ]);
    expect(items[1]?.text).toContain('The lamp is 42');
    const entries = await gateway.settled(token.team, 2);
    for (const entry of entries)
      expect(entry).toMatchObject({ outcome: 'ok', endpoint: '/v1/responses', usage: 'reported' });
  });

  it('applies a patch, which is the input of a custom tool', async () => {
    const token = await gateway.issue();
    const patch = '*** Begin Patch\n*** Add File: lamp.txt\n+It is lit – "bright" ☀\n*** End Patch\n';
    call('apply_patch', { input: patch });
    const { exitCode, items, home } = await ask('Light the lamp', token.text);
    expect([exitCode, items]).toMatchObject([
      0,
      [{ type: 'file_change', status: 'completed' }, saidByStandIn],
    ]);
    expect(await readFile(join(home, 'lamp.txt'), 'utf8')).toBe('It is lit – "bright" ☀\n');
  });

  it('by its own provider, goes on at once without a WebSocket; it runs a tool inside a namespace', async () => {
    const token = await gateway.issue();
    call('multi_agent_v1__wait_agent', { targets: ['keeper'], timeout_ms: 10_000 });
    const { exitCode, items, stdout } = await ask('Hello', token.text, 'openai_base_url');
    expect([exitCode, items.at(-1)]).toMatchObject([0, saidByStandIn]);
    expect(items.at(-1)?.text).toContain('invalid agent id keeper'); // its own words
    expect(stdout).not.toContain('Reconnecting');
  });

  it('gives up at once if a quota is empty', async () => {
    const token = await gateway.issue({ limits: [{ metric: 'requests', window: 'day', max: 0 }] });
    const { exitCode, stdout } = await ask('Hello', token.text);
    expect([exitCode, stdout]).toEqual([1, expect.stringContaining('Quota exceeded')]);
    expect(stdout).not.toContain('Reconnecting');
  });
});
