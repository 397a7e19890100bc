import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { barriersLightAndDark, fitsItsWidth, watch } from '../support/page-checks.ts';
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

  it('can read it on a phone, light and dark, and without seeing it', async () => {
    const page = await browser.page(gateway.url, { viewport: { width: 360, height: 640 } });
    expect(await fitsItsWidth(page)).toBe(true);
    expect(await barriersLightAndDark(page)).toEqual([]);
  });
});
