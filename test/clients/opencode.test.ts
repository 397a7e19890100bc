import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { type IssuedToken, startGateway, type TestGateway } from '../support/gateway.ts';
import { binaryOf, startAgent } from './support/run-agent.ts';

/*
 * opencode from npm against a stand-in as strict as Heroku. It asks for 32,000 tokens. `opencode serve` is what its other
 * commands start inside themselves: here once for both packages that it may speak through, as a start takes ten seconds
 * of CPU.
 */

const model = 'claude-4-5-haiku';
const providers = {
  compatible: { npm: '@ai-sdk/openai-compatible', endpoint: '/v1/chat/completions' },
  anthropic: { npm: '@ai-sdk/anthropic', endpoint: '/v1/messages' },
} as const;
type Provider = keyof typeof providers;

/** Its configuration: this gateway, once for each package, and no other provider. */
function configFor(url: string, tokens: Readonly<Record<Provider, IssuedToken>>): string {
  const providerOf = (name: Provider): object => ({
    npm: providers[name].npm,
    options: { baseURL: `${url}/v1`, apiKey: tokens[name].text },
    models: { [model]: { limit: { context: 200_000, output: 64_000 } } },
  });
  return JSON.stringify({
    autoupdate: false,
    share: 'disabled',
    snapshot: false,
    model: `compatible/${model}`,
    enabled_providers: Object.keys(providers),
    provider: { compatible: providerOf('compatible'), anthropic: providerOf('anthropic') },
  });
}

/** At its start it installs a package for plugins from npm, unless the lock names it. There are no plugins here. */
async function pretendInstalled(home: string): Promise<void> {
  const folder = join(home, '.config/opencode');
  await mkdir(join(folder, 'node_modules'), { recursive: true });
  const lock = { packages: { '': { dependencies: { '@opencode-ai/plugin': '*' } } } };
  await writeFile(join(folder, 'package-lock.json'), JSON.stringify(lock));
}

/** What it says in the end. */
interface Message {
  parts: readonly { type: string; text?: string }[];
}

// Its package here is for Linux on x64 only.
const isThere = process.platform === 'linux' && process.arch === 'x64';
describe.runIf(isThere)('opencode', { timeout: 300_000 }, () => {
  let gateway: TestGateway;
  let tokens: Record<Provider, IssuedToken>;
  let home: string;
  let agent: ReturnType<typeof startAgent>;
  let url: string;

  beforeAll(async () => {
    gateway = await startGateway({ standIn: { strict: true } });
    tokens = { compatible: await gateway.issue(), anthropic: await gateway.issue() };
    home = await mkdtemp(join(tmpdir(), 'tollgate-agent-'));
    await pretendInstalled(home);
    const config = join(home, 'opencode.json');
    await writeFile(config, configFor(gateway.url, tokens));
    const env = {
      OPENCODE_CONFIG: config,
      OPENCODE_DISABLE_AUTOUPDATE: '1',
      OPENCODE_DISABLE_DEFAULT_PLUGINS: '1',
      OPENCODE_DISABLE_MODELS_FETCH: '1',
    };
    const port = await freePort();
    const args = ['serve', '--hostname', '127.0.0.1', '--port', String(port)];
    agent = startAgent(binaryOf('opencode', 'bin/opencode'), args, { home, env });
    url = `http://127.0.0.1:${port}`;
    for await (const line of createInterface(agent.stdout)) if (line.includes(url)) break; // it listens
  }, 300_000);

  afterAll(async () => {
    const ended = once(agent, 'close');
    agent.kill('SIGKILL');
    await ended;
    await rm(home, { recursive: true, force: true });
    await gateway.close();
  });

  async function post(path: string, body: object): Promise<object> {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    return (await answer.json()) as object;
  }

  it.each<Provider>(['compatible', 'anthropic'])('by %s gets its answer', async (provider) => {
    // As `opencode run` does, which asks nobody whether a tool may run.
    const permission = [{ permission: '*', pattern: '*', action: 'allow' }];
    const { id } = (await post('/session', { permission })) as { id: string };
    const { parts } = (await post(`/session/${id}/message`, {
      model: { providerID: provider, modelID: model },
      parts: [{ type: 'text', text: 'Say hello to the lighthouse' }],
    })) as Message;
    const said = parts.map(({ text = '' }) => text).join('');
    expect(said).toContain('a stand-in for Heroku Inference');
    const entries = await gateway.settled(tokens[provider].team, 2); // it ran the tool that the stand-in called
    const { endpoint } = providers[provider];
    for (const entry of entries) expect(entry).toMatchObject({ outcome: 'ok', endpoint });
  });
});
