import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { launchBrowser, type TestBrowser } from '../support/browser.ts';
import { launch, type Program } from '../support/spawn-gateway.ts';
import { waitFor } from '../support/wait-for.ts';

/* `npm run example` as a person runs it: three addresses to open, and Ctrl-C. */

let browser: TestBrowser;
let child: Program | null = null;

beforeAll(async () => {
  browser = await launchBrowser();
});
afterEach(() => {
  child?.kill('SIGKILL');
});
afterAll(() => browser.close());

it('prints pages that work, and stops cleanly', async () => {
  const env = { PORT: '0', SITE_PORT: '0', ISSUER_PORT: '0' };
  const example = launch({ entry: 'examples/browser/main.ts', env });
  child = example;
  await waitFor(() => example.stdout().includes('Ctrl-C'), { what: 'its addresses', timeoutMs: 60_000 });
  const index = await browser.page(example.stdout().match(/http:\S+\/(?=\n)/)?.[0]);
  await index.locator('#oidc').waitFor();
  const urls = (await index.evaluate('[...document.links].map((link) => link.href)')) as string[];
  await index.context().close();
  expect(urls.map((url) => new URL(url).pathname)).toEqual(['/fetch.html', '/openai.html', '/oidc.html']);

  for (const url of urls) {
    const page = await browser.page(url);
    await page.click('#send');
    if (url.endsWith('/oidc.html')) {
      await page.click('text=Sign in as Ana');
      await page.locator('#who', { hasText: 'Signed in as' }).waitFor({ timeout: 60_000 });
      await page.click('#send');
    }
    const said = 'You said: Why is the sky blue? That was message 1';
    const answer = page.locator('#conversation li.assistant', { hasText: said });
    await answer.waitFor({ timeout: 60_000 });
    await page.context().close();
  }

  expect(await example.stop('SIGINT')).toEqual({ code: 0, signal: null });
  expect(example.stderr()).toBe('');
}, 180_000);
