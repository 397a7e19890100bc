import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { launchBrowser, type TestBrowser } from '../support/browser.ts';
import { dieWithMe } from '../support/die-with-me.ts';
import { waitFor, within } from '../support/wait-for.ts';

/* `npm run example` as a person runs it: three addresses to open, and Ctrl-C. */

let browser: TestBrowser;
let child: ChildProcess | null = null;

beforeAll(async () => {
  browser = await launchBrowser();
});
afterEach(() => void child?.kill('SIGKILL'));
afterAll(() => browser.close());

it('prints pages that work, and stops cleanly', async () => {
  const main = join(import.meta.dirname, '../../examples/browser/main.ts');
  const env = { ...process.env, PORT: '0', SITE_PORT: '0', ISSUER_PORT: '0' };
  const example = spawn(process.execPath, [main], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  child = example;
  dieWithMe(example);
  const ended = once(example, 'exit');
  let said = '';
  for (const output of [example.stdout, example.stderr]) {
    output.setEncoding('utf8').on('data', (text: string) => void (said += text));
  }
  await waitFor(() => said.includes('Ctrl-C'), { what: 'its addresses', timeoutMs: 10_000 });
  const urls = said.match(/http:\S+\.html/g) ?? [];
  expect(urls.map((url) => new URL(url).pathname)).toEqual(['/fetch.html', '/openai.html', '/oidc.html']);

  for (const url of urls) {
    const page = await browser.page(url);
    await page.click('#send');
    if (url.endsWith('/oidc.html')) {
      await page.click('text=Sign in as Ana');
      await page.locator('#who', { hasText: 'Signed in' }).waitFor({ timeout: 10_000 });
      await page.click('#send');
    }
    const answer = page.locator('#answer', { hasText: 'You said: Why is the sky blue?' });
    await answer.waitFor({ timeout: 10_000 });
    await page.context().close();
  }

  example.kill('SIGINT');
  expect(await within(ended, 10_000)).toEqual([0, null]);
  expect(said).not.toContain('Error');
});
