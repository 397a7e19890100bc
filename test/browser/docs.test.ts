import type { Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchBrowser, type TestBrowser } from '../support/browser.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { barriersOn, fitsItsWidth, watch } from '../support/page-checks.ts';

let browser: TestBrowser;
let gateway: TestGateway;
/** Browsers keep the console's cookie for this name, without https. */
let origin: string;

beforeAll(async () => {
  browser = await launchBrowser();
  gateway = await startGateway();
  origin = `http://localhost:${gateway.port}`;
});
afterAll(async () => {
  await browser.close();
  await gateway.close();
});

/** Opens the page and waits for its operations. `credential`: who is signed in to the console. */
async function opened({ page, credential }: { page?: Page; credential?: string } = {}): Promise<Page> {
  const shown = page ?? (await browser.page());
  if (credential !== undefined) {
    await shown.goto(`${origin}/console`);
    const status = await shown.evaluate(
      (body) =>
        fetch('/console/api/session', {
          method: 'POST',
          headers: { 'x-tollgate-console': '1' },
          body,
        }).then((answer) => answer.status),
      JSON.stringify({ credential }),
    );
    expect(status).toBe(200);
  }
  await shown.goto(`${origin}/docs`);
  await operation(shown, 'postV1ChatCompletions').waitFor();
  return shown;
}

function operation(page: Page, id: string): Locator {
  return page.locator(`.opblock[id$="-${id}"]`);
}

/** Tries an operation with its example. Gives the status and body that are shown. */
async function tried(page: Page, id: string): Promise<{ status: string; body: string }> {
  const block = operation(page, id);
  await block.locator('.opblock-summary-control').click();
  await block.getByRole('button', { name: 'Try it out' }).click();
  await block.getByRole('button', { name: 'Execute' }).click();
  const answer = block.locator('.live-responses-table .response').first();
  await answer.waitFor();
  return {
    status: (await answer.locator('.response-col_status').innerText()).trim(),
    body: await answer.locator('.response-col_description').innerText(),
  };
}

/** Everything that scripts of the page could read later. */
function stored(page: Page): Promise<string> {
  return page.evaluate('JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])');
}

describe('a person who looks at GET /docs', () => {
  it('comes from /, and sees each operation with an example request and answer; nothing comes from elsewhere', async () => {
    const page = await browser.page();
    const seen = watch(page);
    await page.goto(origin);
    await page.getByRole('link', { name: 'The API' }).click();
    const chat = operation(page, 'postV1ChatCompletions');
    await chat.waitFor();
    // The list of all operations: some screens, not a hundred.
    expect(await page.evaluate('document.documentElement.scrollHeight')).toBeLessThan(6_000);

    await chat.locator('.opblock-summary-control').click();
    await chat.locator('.responses-table').waitFor();
    const shown = await chat.innerText();
    for (const word of ['Hello, who are you?', 'chat.completion', 'insufficient_quota', 'model_not_found']) {
      expect(shown).toContain(word);
    }

    // It finds them by group, method, path and summary.
    const found = async (phrase: string, id: string): Promise<number> => {
      await page.getByPlaceholder('Filter').fill(phrase);
      await operation(page, id).waitFor();
      await operation(page, 'postV1ChatCompletions').waitFor({ state: 'detached' });
      return page.locator('.opblock').count();
    };
    expect(await found('sort texts', 'postV1Rerank')).toBe(1);
    expect(await found('delete tokens/{id}', 'deleteAdminTeamsTeamTokensId')).toBe(2);
    expect(await found('claim links', 'getClaimCode')).toBe(2);
    expect(seen).toEqual({ complaints: [], origins: new Set([origin]) });
  });

  it('reads why there is nothing, if the description cannot be read', async () => {
    const page = await browser.page();
    await page.route('**/openapi.json', (route) => route.abort());
    await page.goto(`${origin}/docs`);
    await page.getByText('could not be shown. Load the page again.').waitFor();
  });

  it('can read it on a phone, light and dark, with the keyboard alone and without seeing it', async () => {
    const page = await browser.page();
    await page.setViewportSize({ width: 360, height: 640 });
    await opened({ page });
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the operations');
    await page.keyboard.press('Enter');
    const control = operation(page, 'postV1ChatCompletions').locator('.opblock-summary-control');
    for (let presses = 0; presses < 5; presses += 1) {
      await page.keyboard.press('Tab');
      if (await control.evaluate((element) => element.matches(':focus'))) break;
    }
    await page.keyboard.press('Enter');
    await operation(page, 'postV1ChatCompletions').locator('.responses-table').waitFor();
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await fitsItsWidth(page)).toBe(true);
      expect(await barriersOn(page)).toEqual([]);
    }
  });
});

describe('a person who tries an operation in GET /docs', () => {
  it('without a session gives a credential, which the page forgets', async () => {
    const { text: token } = await gateway.issue();
    const page = await opened();
    const seen = watch(page);
    expect((await tried(page, 'getV1Models')).status).toBe('401');
    await page.getByRole('button', { name: 'Authorize' }).first().click();
    const form = page.locator('.auth-container', { hasText: 'x-api-key' }).last();
    await form.getByRole('textbox').fill(token);
    await form.getByRole('button', { name: 'Apply credentials' }).click();
    await page.locator('.close-modal').click();
    expect(await tried(page, 'getV1Me')).toMatchObject({
      status: '200',
      body: expect.stringContaining('tok_'),
    });
    expect(await stored(page)).not.toContain(token);
    expect(seen.complaints.filter((each) => !each.includes('401'))).toEqual([]);

    await page.goto('about:blank');
    await opened({ page });
    expect((await tried(page, 'getV1Me')).status).toBe('401');
  });

  it('signed in as root needs none for the admin API', async () => {
    const page = await opened({ credential: gateway.adminKey });
    await page.getByText('signed in to the console as root').waitFor();
    const { status, body } = await tried(page, 'getAdminAdmins');
    expect([status, body.includes('"data"')]).toEqual(['200', true]);
    expect(await page.content()).not.toContain(gateway.adminKey);
  });

  it('signed in with a token needs none for that token, and a call is on a short-lived token that nothing shows', async () => {
    const { text: token } = await gateway.issue();
    const page = await opened({ credential: token });
    const sent: (string | undefined)[] = [];
    page.on('request', (request) => {
      if (request.url().endsWith('/chat/completions')) sent.push(request.headers()['authorization']);
    });
    expect((await tried(page, 'getV1Me')).status).toBe('200');
    expect((await tried(page, 'postV1ChatCompletions')).status).toBe('200');
    expect(sent.map((each) => each?.slice(0, 11))).toEqual(['Bearer tgs_']);
    expect(await page.content()).not.toMatch(/tg[ks]_[0-9A-Za-z]{40}/);
    expect(await stored(page)).not.toContain('tgs_');
  });
});
