import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Webhook } from 'standardwebhooks';
import { launchBrowser, type TestBrowser } from '../../support/browser.ts';
import { startGateway, type TestGateway } from '../../support/gateway.ts';
import { barriersLightAndDark, fitsItsWidth } from '../../support/page-checks.ts';
import { waitFor } from '../../support/wait-for.ts';
import { startReceiver, type WebhookReceiver } from '../../support/webhook-receiver.ts';
import { type ConsolePage, loaded, signedIn } from './console-page.ts';

let browser: TestBrowser;
let gateway: TestGateway;
let receiver: WebhookReceiver;

beforeAll(async () => {
  browser = await launchBrowser();
  gateway = await startGateway({ env: { WEBHOOK_PRIVATE_HOSTS: '127.0.0.1' } });
  await gateway.admin('POST', '/admin/teams', { id: 'acme' });
});
afterAll(async () => {
  await browser.close();
  await gateway.close();
});

beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => receiver.close());

async function administrator(role: string, teams: string[] | null): Promise<string> {
  const { body } = await gateway.admin('POST', '/admin/admins', { role, teams });
  return body['token'] as string;
}

/** Makes a webhook by the dialog that is opened from here, and gives its secret. */
async function make({ page }: ConsolePage, name: string, types: string[]): Promise<string> {
  await page.getByRole('button', { name: 'New webhook' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('textbox', { name: 'Address' }).fill(receiver.url);
  await dialog.getByRole('textbox', { name: 'Name' }).fill(name);
  if (types.length > 0) await dialog.getByLabel('All, also').uncheck();
  for (const type of types) await dialog.getByLabel(type).check();
  await dialog.getByRole('button', { name: 'Make the webhook' }).click();
  const secret = await dialog.locator('.secret code').innerText();
  await page.keyboard.press('Escape');
  expect(await dialog.isVisible()).toBe(true);
  return secret;
}

describe.each([
  ['the gateway', 'webhooks', () => gateway.adminKey],
  ['a team', 'teams/acme', () => administrator('team-admin', ['acme'])],
] as const)('webhooks of %s', (whose, route, credential) => {
  it('are made, tried, rotated, edited and deleted on their pages', async () => {
    const opened = await signedIn(browser, gateway, await credential());
    const { page, open, watched } = opened;
    await open(route);
    const name = `pager of ${whose}`;
    const secret = await make(opened, name, ['token.leaked']);
    await page.getByRole('button', { name: 'Done' }).click();
    await page.getByRole('link', { name }).click();
    await loaded(page);
    expect(await page.locator('.facts').innerText()).toContain('token.leaked');
    expect(await page.content()).not.toContain(secret);

    await page.getByRole('button', { name: 'Send a test' }).click();
    await page.getByText('The test was taken: the answer was 204.').waitFor();
    const [{ headers, body } = { headers: {}, body: '' }] = receiver.received;
    const sent = new Webhook(secret).verify(body, headers as Record<string, string>);
    expect(sent).toMatchObject({ type: 'webhook.test' });
    const log = page.getByRole('table', { name: 'What was sent' });
    await log.getByText('test delivered').waitFor();

    receiver.answer = (response) => response.writeHead(500).end();
    await page.getByRole('button', { name: 'Send a test' }).click();
    await page.getByText('The test was not taken: the answer was 500.').waitFor();
    await log.getByText('test failed').waitFor();

    await page.getByRole('button', { name: 'Rotate' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Rotate' }).click();
    expect(await page.locator('.secret code').innerText()).toMatch(/^whsec_/);
    await page.getByRole('button', { name: 'Done' }).click();
    await page.getByText('Old secret signs too').waitFor();

    await page.getByRole('button', { name: 'Edit' }).click();
    await page.getByRole('dialog').getByLabel('All, also').check();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('The webhook was changed.').waitFor();
    await page.locator('.facts').getByText('all', { exact: true }).waitFor();

    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('button', { name: 'Delete the webhook' }).click();
    await page.getByText('The webhook was deleted.').waitFor();
    await page.getByText('No webhooks').waitFor();
    expect(watched.complaints).toEqual([]);
  });
});

it('an address that may not be is refused, in the dialog', async () => {
  const { page, open } = await signedIn(browser, gateway, gateway.adminKey);
  await open('webhooks');
  await page.getByRole('button', { name: 'New webhook' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('textbox', { name: 'Address' }).fill('https://169.254.169.254/latest');
  await dialog.getByRole('button', { name: 'Make the webhook' }).click();
  await dialog
    .getByText(/private address/)
    .first()
    .waitFor();
  expect(await dialog.getByRole('textbox', { name: 'Address' }).getAttribute('aria-invalid')).toBe('true');
});

it('a webhook that is disabled says why, and is enabled again', async () => {
  receiver.answer = (response) => response.writeHead(410).end();
  const { body: made } = await gateway.admin('POST', '/admin/webhooks', { url: receiver.url, name: 'gone' });
  const { page, open } = await signedIn(browser, gateway, gateway.adminKey);
  const at = `/admin/webhooks/${made['id'] as string}`;
  await gateway.admin('POST', '/admin/admins', { role: 'auditor' }); // which is told
  await waitFor(async () => (await gateway.admin('GET', at)).body['state'] === 'disabled', {
    what: 'the webhook to be disabled',
  });
  await open(`webhooks/${made['id'] as string}`);
  expect(await page.locator('.facts').innerText()).toContain('410');
  receiver.answer = (response) => response.writeHead(204).end();
  await page.getByRole('button', { name: 'Enable' }).click();
  await page.getByText('Events are sent again.').waitFor();
  await page.locator('.facts').getByText('ok', { exact: true }).waitFor();
  await gateway.admin('DELETE', at);
});

it('an auditor sees the host alone, and nothing to change', async () => {
  const { body: made } = await gateway.admin('POST', '/admin/webhooks', { url: receiver.url, name: 'read' });
  const { page, open } = await signedIn(browser, gateway, await administrator('auditor', null));
  await open(`webhooks/${made['id'] as string}`);
  expect(await page.content()).not.toContain('/in<');
  expect(await page.locator('.page-head').getByRole('button').allInnerTexts()).toEqual(['Read again']);
  await gateway.admin('DELETE', `/admin/webhooks/${made['id'] as string}`);
});

describe.each([
  ['light and dark', { viewport: { width: 1280, height: 900 } }],
  ['phone', { viewport: { width: 360, height: 740 } }],
] as const)('the pages of webhooks, %s', (name, options) => {
  it('fit and have no barriers: the list, the dialog, the secret, one webhook', async () => {
    const opened = await signedIn(browser, gateway, gateway.adminKey, options);
    const { page, open } = opened;
    const check = async (what: string): Promise<void> => {
      expect(await fitsItsWidth(page), what).toBe(true);
      if (name !== 'phone') expect(await barriersLightAndDark(page), what).toEqual([]);
    };
    await open('webhooks');
    await page.getByRole('button', { name: 'New webhook' }).click();
    await page.getByRole('dialog').getByLabel('All, also').uncheck();
    await check('webhook-new');
    await page.getByRole('button', { name: 'Cancel' }).click();
    await make(opened, `on ${name}`, []);
    await check('webhook-secret');
    await page.getByRole('button', { name: 'Done' }).click();
    await page.getByRole('link', { name: `on ${name}` }).waitFor();
    await check('webhooks');
    await page.getByRole('link', { name: `on ${name}` }).click();
    await loaded(page);
    await page.getByRole('button', { name: 'Send a test' }).click();
    await page.getByRole('table', { name: 'What was sent' }).getByText('test delivered').waitFor();
    await page.getByRole('button', { name: 'Dismiss' }).click();
    await check('webhook');
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('button', { name: 'Delete the webhook' }).click();
    await page.getByText('The webhook was deleted.').waitFor();
  });
});
