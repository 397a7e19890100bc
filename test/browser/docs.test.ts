import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGateway, type TestGateway } from '../support/gateway.ts';
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

describe('a person who looks at GET /docs', () => {
  it('comes from /, and sees each operation with its fields and error codes; nothing else is loaded', async () => {
    const page = await browser.page();
    const complaints: string[] = [];
    const asked: string[] = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => asked.push(new URL(request.url()).origin));
    await page.goto(gateway.url);
    await page.getByRole('link', { name: 'the API' }).click();
    await page.waitForURL(`${gateway.url}/docs`);
    expect(await page.title()).toMatch(/^Tollgate .*: the API$/);
    // The style was let through by its hash.
    expect(await page.evaluate('getComputedStyle(document.body).paddingLeft')).toBe('16px');

    await page.getByRole('navigation').getByRole('link', { name: 'POST /v1/embeddings' }).click();
    const operation = page.locator('#postV1Embeddings');
    expect(await operation.getByRole('heading', { level: 3 }).textContent()).toBe('POST /v1/embeddings');
    const shown = await operation.innerText();
    for (const word of ['encoding_format', 'rate_limit_exceeded', 'insufficient_quota', 'model_not_found']) {
      expect(shown).toContain(word);
    }
    expect(complaints).toEqual([]);
    expect(new Set(asked)).toEqual(new Set([gateway.url]));
  });

  it('can read it on a phone and in the dark', async () => {
    const page = await browser.page();
    await page.setViewportSize({ width: 360, height: 640 });
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.goto(`${gateway.url}/docs`);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
    const lightness =
      "getComputedStyle(document.documentElement).colorScheme.includes('dark') && matchMedia('(prefers-color-scheme: dark)').matches";
    expect(await page.evaluate(lightness)).toBe(true);
    expect(await page.evaluate('getComputedStyle(document.body).color')).toBe('rgb(255, 255, 255)');
  });

  it('can find the way by headings, landmarks and the skip link alone', async () => {
    const page = await browser.page(`${gateway.url}/docs`);
    for (const role of ['banner', 'navigation', 'main'] as const) {
      expect([role, await page.getByRole(role).count()]).toEqual([role, 1]);
    }
    const levels = (await page.evaluate(
      "[...document.querySelectorAll('h1, h2, h3, h4')].map((heading) => Number(heading.tagName[1]))",
    )) as number[];
    expect(levels[0]).toBe(1);
    expect(levels.every((level, at) => at === 0 || level <= (levels[at - 1] ?? 0) + 1)).toBe(true);
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the operations');
  });
});
