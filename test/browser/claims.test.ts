import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { get } from '../support/gateway-client.ts';
import { barriersOn, fitsItsWidth, watch } from '../support/page-checks.ts';
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
    const seen = watch(page);
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.goto(url);
    expect(await page.title()).toBe('A token is waiting for you');
    // The style was let through by its hash.
    expect(await page.evaluate('getComputedStyle(document.body).paddingLeft')).toBe('16px');
    expect(await barriersOn(page)).toEqual([]);

    await page.getByRole('button', { name: 'Show the token' }).click();
    await page.waitForSelector('#token');
    const token = (await page.locator('#token').textContent()) ?? '';
    expect(token).toMatch(/^tgk_[0-9A-Za-z]{44}$/);
    expect((await get(`${gateway.url}/v1/me`, { token })).status).toBe(200);
    // One click takes all of it.
    await page.locator('#token').click();
    expect(await page.evaluate('getSelection().toString()')).toBe(token);
    await page.getByRole('button', { name: 'Copy the token' }).click();
    await page.getByRole('button', { name: 'Copied the token' }).waitFor();
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(token);
    expect(await barriersOn(page)).toEqual([]);
    expect(seen.complaints).toEqual([]);
    expect(seen.origins).toEqual(new Set([gateway.url]));

    await page.goBack();
    expect(await page.content()).not.toContain(token);
    await page.goto(url);
    expect(await page.title()).toBe('There is no token to show');
    expect(await page.content()).toContain('tell your administrator');
  });

  it('sees what the token may use, and calls that are ready to paste', async () => {
    const team = { models: ['claude-3-5-haiku', 'cohere-embed-multilingual'] };
    const page = await browser.page(await claimLink(gateway, await gateway.issue({ team })));
    await page.setViewportSize({ width: 360, height: 640 });
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.getByRole('button', { name: 'Show the token' }).click();
    const shown = await page.locator('main').innerText();
    for (const word of [`${gateway.url}/v1`, 'claude-3-5-haiku', 'cohere-embed-multilingual', 'export']) {
      expect(shown).toContain(word);
    }
    await page.getByText('OpenAI SDK, Python').click();
    await page.getByRole('region', { name: 'OpenAI SDK, Python' }).waitFor();
    expect(await fitsItsWidth(page)).toBe(true);
    expect(await barriersOn(page)).toEqual([]);
  });

  it('reads until when in their own zone, and in UTC on hover', async () => {
    const url = await claimLink(gateway, await gateway.issue());
    const page = await browser.page(undefined, { locale: 'en-US', timezoneId: 'Asia/Tokyo' });
    await page.goto(url);
    const time = page.locator('time');
    const at = new Date((await time.getAttribute('datetime')) ?? '');
    const format = { dateStyle: 'long', timeStyle: 'short' } as const;
    const inTokyo = new Intl.DateTimeFormat('en-US', { ...format, timeZone: 'Asia/Tokyo' }).format(at);
    expect(await time.textContent()).toBe(inTokyo);
    const inUtc = new Intl.DateTimeFormat('en-GB', { ...format, timeZone: 'UTC' }).format(at);
    expect(await time.getAttribute('title')).toBe(`${inUtc} UTC`);
  });

  it('without script has the token, too, and a time that can be read', async () => {
    const url = await claimLink(gateway, await gateway.issue());
    const page = await browser.page(undefined, { javaScriptEnabled: false });
    await page.goto(url);
    expect(await page.locator('time').textContent()).toMatch(/^\d+ \w+ \d{4} at \d\d:\d\d UTC$/);
    await page.getByRole('button', { name: 'Show the token' }).click();
    expect(await page.locator('#token').textContent()).toMatch(/^tgk_/);
  });

  it('of a token for web pages is told so, and gets no command that would be refused', async () => {
    const issued = await gateway.issue({ team: { origins: ['https://app.example.com'] } });
    const page = await browser.page(await claimLink(gateway, issued));
    await page.getByRole('button', { name: 'Show the token' }).click();
    const shown = await page.locator('main').innerText();
    expect(shown).toContain('web pages only, those of https://app.example.com');
    expect(shown).not.toContain('curl');
  });

  it('after somebody else has opened it is told so', async () => {
    const url = await claimLink(gateway, await gateway.issue());
    const page = await browser.page(url);
    await fetch(url, { method: 'POST' });
    await page.getByRole('button', { name: 'Show the token' }).click();
    await page.getByRole('heading', { name: 'There is no token to show' }).waitFor();
    expect(await page.locator('time').count()).toBe(1);
    expect(await page.content()).not.toContain('tgk_');
  });
});
