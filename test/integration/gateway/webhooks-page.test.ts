import { execFile, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tollgate } from '../../support/command-line.ts';
import { freePort } from '../../support/free-port.ts';
import { startGateway, type TestGateway } from '../../support/gateway.ts';

/* What docs/webhooks.md tells, done as it is written there. */

const root = new URL('../../../', import.meta.url).pathname;
const run = promisify(execFile);

let gateway: TestGateway;
let port: number;
/** The blocks of the page, on the port of this test. */
let blocks: string[];

beforeAll(async () => {
  port = await freePort();
  gateway = await startGateway({ env: { WEBHOOK_PRIVATE_HOSTS: `127.0.0.1:${port}` } });
  const page = await readFile(`${root}docs/webhooks.md`, 'utf8');
  blocks = [...page.matchAll(/^```(?:sh|js)\n([^]*?)^```/gm)].map(([, text = '']) =>
    text.replaceAll('8080', String(port)),
  );
});
afterAll(() => gateway.close());

const blockWith = (text: string): string => {
  const found = blocks.find((block) => block.includes(text));
  if (found === undefined) throw new Error(`docs/webhooks.md has no block with ${text}.`);
  return found;
};
const environment = (): NodeJS.ProcessEnv => ({
  PATH: process.env['PATH'],
  URL: gateway.url,
  TOLLGATE_URL: gateway.url,
  ADMIN_KEY: gateway.adminKey,
});
/** Runs the curl lines of a block, and gives the last one's answer. */
async function curl(block: string): Promise<Record<string, unknown>> {
  const lines = block.replaceAll('\\\n', ' ').split('\n');
  const calls = lines.filter((line) => line.startsWith('curl ')).join('\n');
  const { stdout } = await run('sh', ['-ec', calls.replaceAll('curl ', 'curl -sS ')], {
    env: environment(),
  });
  return JSON.parse(stdout) as Record<string, unknown>;
}
/** Its lines of the command line, with this webhook. */
async function commands(block: string, id: string): Promise<void> {
  for (const [, line = ''] of block.matchAll(/^npm run tollgate -- (.+)$/gm)) {
    const { code, err } = await tollgate(line.replace('wh_…', id), environment());
    expect(code, `${line}: ${err}`).toBe(0);
  }
}

describe('docs/webhooks.md', () => {
  it('leads from nothing to an event that is verified', async () => {
    const { id, secret } = await curl(blockWith('/admin/webhooks -H'));
    const code = blockWith('createServer');
    const receiver = spawn(process.execPath, ['--input-type=module', '--eval', code], {
      cwd: root,
      env: { ...environment(), WEBHOOK_SECRET: String(secret), PORT: String(port) },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      const printed = createInterface(receiver.stdout)[Symbol.asyncIterator]();
      await untilItListens(port);
      const test = blockWith('/test -H');
      expect(await curl(test.replaceAll('wh_…', String(id)))).toMatchObject({
        outcome: 'test_delivered',
        status: 204,
      });
      expect(await printed.next()).toMatchObject({
        value: expect.stringMatching(/^\d{4}-\S+Z webhook\.test \{/) as string,
      });
      await commands(test, String(id));
      await commands(blockWith('webhook deliveries'), String(id));
      // With another secret nothing verifies.
      await commands(blockWith('--overlap'), String(id));
      await gateway.admin('POST', `/admin/webhooks/${String(id)}/rotate`, { overlap_seconds: 0 });
      const { body } = await gateway.admin('POST', `/admin/webhooks/${String(id)}/test`);
      expect(body).toMatchObject({ outcome: 'test_failed', status: 400 });
    } finally {
      receiver.kill();
    }
  });

  it('makes webhooks by the command line, and of a team', async () => {
    await gateway.admin('POST', '/admin/teams', { id: 'acme' });
    await commands(blockWith('webhook create http:'), '');
    expect(await curl(blockWith('/admin/teams/acme/webhooks'))).toMatchObject({ team: 'acme' });
    await commands(blockWith('/admin/teams/acme/webhooks'), '');
  });
});

async function untilItListens(at: number): Promise<void> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const response = await fetch(`http://127.0.0.1:${at}/`, { method: 'POST', body: 'x' }).catch(() => null);
    if (response) return expect(response.status).toBe(400);
    if (Date.now() > deadline) throw new Error('The receiver does not listen.');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
