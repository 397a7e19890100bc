import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { barriersOn, fitsItsWidth, watch } from '../support/page-checks.ts';
import { launchBrowser, type TestBrowser } from '../support/browser.ts';

let browser: TestBrowser;
let gateway: TestGateway;

beforeAll(async () => {
  browser = await launchBrowser();
  gateway = await startGateway();
});
afterAll(async () => {
  await browser.close();
  await gateway.close();
});

describe('a person who looks at GET /', () => {
  it('finds the console and the API, and nothing is loaded but the page', async () => {
    const page = await browser.page();
    const seen = watch(page);
    await page.goto(gateway.url);
    expect(await page.title()).toBe('Tollgate is running');
    expect(await page.getByRole('link', { name: 'Open the console' }).getAttribute('href')).toBe('/console');
    expect(await page.getByRole('link', { name: 'The API' }).getAttribute('href')).toBe('/docs');
    expect(await page.getByRole('region').first().innerText()).toContain(gateway.url);
    expect(await page.content()).not.toContain(gateway.adminKey);
    expect(seen).toEqual({ complaints: [], origins: new Set([gateway.url]) });
  });

  it.each(['light', 'dark'] as const)('can read it on a phone, %s, and without seeing it', async (scheme) => {
    const page = await browser.page();
    await page.setViewportSize({ width: 360, height: 640 });
    await page.emulateMedia({ colorScheme: scheme });
    await page.goto(gateway.url);
    expect(await fitsItsWidth(page)).toBe(true);
    expect(await barriersOn(page)).toEqual([]);
  });
});
