import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { binaryOf, emptyHome, runAgent } from './support/run-agent.ts';

/* opencode from npm, non-interactive, against a stand-in as strict as Heroku. It asks for 32,000 tokens. */

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway({ standIn: { strict: true } });
});
afterAll(() => gateway.close());

const model = 'claude-4-5-haiku';

/** Its configuration: this gateway and no other provider. */
function configFor(npm: string, options: object): string {
  return JSON.stringify({
    autoupdate: false,
    share: 'disabled',
    snapshot: false,
    model: `tollgate/${model}`,
    small_model: `tollgate/${model}`,
    enabled_providers: ['tollgate'],
    provider: {
      tollgate: { npm, options, models: { [model]: { limit: { context: 200_000, output: 64_000 } } } },
    },
  });
}

// Its command takes seconds of CPU to start, and more under load. Its package here is for Linux on x64 only.
const isThere = process.platform === 'linux' && process.arch === 'x64';
describe.runIf(isThere)('opencode', { timeout: 300_000 }, () => {
  it.each([
    ['@ai-sdk/openai-compatible', '/v1/chat/completions'],
    ['@ai-sdk/anthropic', '/v1/messages'],
  ])('with %s gets its answer', async (npm, endpoint) => {
    const token = await gateway.issue();
    const home = await emptyHome();
    const config = join(home, 'opencode.json');
    await writeFile(config, configFor(npm, { baseURL: `${gateway.url}/v1`, apiKey: token.text }));
    const env = {
      OPENCODE_CONFIG: config,
      OPENCODE_DISABLE_AUTOUPDATE: '1',
      OPENCODE_DISABLE_MODELS_FETCH: '1',
    };
    const command = binaryOf('opencode', 'bin/opencode');
    const { exitCode, stdout } = await runAgent(command, ['run', 'Say hello to the lighthouse'], {
      home,
      env,
    });
    expect([exitCode, stdout]).toEqual([0, expect.stringContaining('a stand-in for Heroku Inference')]);
    const entries = await gateway.settled(token.team, 2); // it ran the tool that the stand-in called
    for (const entry of entries) expect(entry).toMatchObject({ outcome: 'ok', endpoint });
  });
});
