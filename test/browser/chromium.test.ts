import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchBrowser, type TestBrowser } from '../support/browser.ts';
import { startStaticSite, type StaticSite } from '../support/static-site.ts';

let browser: TestBrowser;
let site: StaticSite;
let elsewhere: StaticSite;

beforeAll(async () => {
  browser = await launchBrowser();
  site = await startStaticSite({ files: { '/': '<!doctype html><title>A page</title>', '/own': 'own' } });
  elsewhere = await startStaticSite({
    files: {
      '/open': { body: 'open', headers: { 'access-control-allow-origin': site.origin } },
      '/closed': 'closed',
      '/other': { body: 'other', headers: { 'access-control-allow-origin': 'https://app.example.com' } },
    },
  });
});
afterAll(async () => {
  await browser.close();
  await site.close();
  await elsewhere.close();
});

describe('a page in Chromium', () => {
  it('reads an answer of another origin only where that origin allows it', async () => {
    const page = await browser.page(site.origin);
    expect(await page.title()).toBe('A page');
    const read = (url: string): Promise<string> =>
      page.evaluate(
        (from) =>
          fetch(from).then(
            (answer) => answer.text(),
            (error: unknown) => String(error),
          ),
        url,
      );
    expect(await read(`${site.origin}/own`)).toBe('own');
    expect(await read(`${elsewhere.origin}/open`)).toBe('open');
    expect(await read(`${elsewhere.origin}/closed`)).toBe('TypeError: Failed to fetch');
    expect(await read(`${elsewhere.origin}/other`)).toBe('TypeError: Failed to fetch');
  });
});
