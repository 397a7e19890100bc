import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startGateway, type TestGateway } from '../../support/gateway.ts';

const run = promisify(execFile);
let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());

it('the commands of the page at / work as they are pasted, from the key to an answer', async () => {
  const answer = await fetch(gateway.url, { headers: { accept: 'text/html' } });
  expect(answer.headers.get('cache-control')).toBe('no-store');
  const page = await answer.text();
  const commands = [...page.matchAll(/<pre[^>]*>([^<]*)<\/pre>/g)].map(([, text = '']) =>
    text.replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code))),
  );
  const shell = run('bash', ['-euo', 'pipefail', '-c', commands.join('\n')]);
  shell.child.stdin?.end(`${gateway.adminKey}\n`);
  const { stdout } = await shell;
  expect(stdout).toMatch(/^tgk_[0-9A-Za-z]{44}$/m);
  expect(stdout).toMatch(/"choices":\[/);
  expect(stdout).not.toContain(gateway.adminKey);
});
