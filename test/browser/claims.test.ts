import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { get } from '../support/gateway-client.ts';
import { claimLink } from '../support/rotation.ts';
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

describe('a person who was sent a claim link', () => {
  it('opens it, presses the button, and copies a token that works; going back or reloading shows none', async () => {
    const url = await claimLink(gateway, await gateway.issue());
    const page = await browser.page();
    const complaints: string[] = [];
    const asked: string[] = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('request', (request) => asked.push(new URL(request.url()).origin));
    await page.goto(url);
    expect(await page.title()).toBe('A token is waiting for you');
    // The style was let through by its hash.
    expect(await page.evaluate('getComputedStyle(document.body).paddingLeft')).toBe('16px');

    await page.getByRole('button', { name: 'Show the token' }).click();
    await page.waitForSelector('#token');
    const token = (await page.locator('#token').textContent()) ?? '';
    expect(token).toMatch(/^tgk_[0-9A-Za-z]{44}$/);
    expect((await get(`${gateway.url}/v1/me`, { token })).status).toBe(200);
    // One click takes all of it.
    await page.locator('#token').click();
    expect(await page.evaluate('getSelection().toString()')).toBe(token);
    expect(complaints).toEqual([]);
    expect(new Set(asked)).toEqual(new Set([gateway.url]));

    await page.goBack();
    expect(await page.content()).not.toContain(token);
    await page.goto(url);
    expect(await page.title()).toBe('There is no token to show');
    expect(await page.content()).toContain('tell your administrator');
  });

  it('after somebody else has opened it is told so', async () => {
    const url = await claimLink(gateway, await gateway.issue());
    const page = await browser.page(url);
    await fetch(url, { method: 'POST' });
    await page.getByRole('button', { name: 'Show the token' }).click();
    await page.getByRole('heading', { name: 'There is no token to show' }).waitFor();
    expect(await page.content()).not.toContain('tgk_');
  });
});
