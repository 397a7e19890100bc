import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchBrowser, type TestBrowser } from '../../support/browser.ts';
import { startGateway, type TestGateway } from '../../support/gateway.ts';
import { bodies, post } from '../../support/gateway-client.ts';
import { barriersLightAndDark, fitsItsWidth } from '../../support/page-checks.ts';
import { type ConsolePage, consoleUrl, signedIn } from './console-page.ts';

let browser: TestBrowser;
let gateway: TestGateway;
let holder: { text: string; id: string; team: string; user: string };

const team = 'acme';

beforeAll(async () => {
  browser = await launchBrowser();
  gateway = await startGateway();
  const limits = [
    { metric: 'tokens', window: 'day', max: 100_000 },
    { metric: 'requests', window: 'minute', max: 60 },
  ] as const;
  holder = await gateway.issue({ team: { id: team, limits: [...limits] } });
  await gateway.admin('POST', '/admin/teams', { id: 'other' });
  for (let n = 0; n < 3; n += 1)
    await post(`${gateway.url}/v1/chat/completions`, bodies.chat(), { token: holder.text });
  await post(`${gateway.url}/v1/chat/completions`, bodies.chat({ model: 'nobody/knows' }), {
    token: holder.text,
  });
  await gateway.settled(team, 3);
});
afterAll(async () => {
  await browser.close();
  await gateway.close();
});

/** Every view, its heading, and whether one must have the whole gateway in sight. */
function views(): readonly (readonly [route: string, heading: string])[] {
  return [
    ['', 'Overview'],
    ['teams', 'Teams'],
    [`teams/${team}`, team],
    [`teams/${team}/users/${holder.user}`, holder.user],
    [`teams/${team}/tokens/${holder.id}`, holder.id],
    ['tokens', 'Tokens'],
    ['start', 'First steps'],
    ['usage', 'Usage'],
    ['requests', 'Requests'],
    ['refusals', 'Refusals'],
    ['audit', 'Audit'],
    ['upstreams', 'Upstreams'],
    ['prices', 'Prices'],
    ['webhooks', 'Webhooks'],
    ['settings', 'Settings'],
    ['admins', 'Administrators'],
    ['backup', 'Backup'],
    ['sessions', 'Sessions of the console'],
  ];
}

const ownViews = [
  ['', 'My page'],
  ['playground', 'Playground'],
  ['sessions', 'Sessions of the console'],
] as const;

interface Checked {
  list: readonly (readonly [route: string, heading: string])[];
  /** Whether axe-core looks at them, too: widths differ in nothing that it sees. */
  isForBarriers: boolean;
}

/** Opens each view: it has its heading and no failure, fits, and is without barriers. */
async function check({ page, open, watched }: ConsolePage, { list, isForBarriers }: Checked): Promise<void> {
  for (const [route, heading] of list) {
    await open(route);
    expect(await page.locator('h1').first().innerText(), route).toBe(heading);
    expect(await page.locator('main .failure').allInnerTexts(), route).toEqual([]);
    expect(await fitsItsWidth(page), `${route} fits`).toBe(true);
    if (isForBarriers) expect(await barriersLightAndDark(page), route).toEqual([]);
  }
  expect(watched.complaints).toEqual([]);
  expect([...watched.origins]).toEqual([`http://localhost:${gateway.port}`]);
}

describe.each([
  ['light and dark', { viewport: { width: 1280, height: 900 } }],
  ['phone', { viewport: { width: 360, height: 740 } }],
  ['wide', { viewport: { width: 2560, height: 1300 } }],
] as const)('every view of the console, %s', (name, options) => {
  const isForBarriers = name === 'light and dark';

  it('is whole and without barriers for root, and breaks no policy', async () => {
    const opened = await signedIn(browser, gateway, gateway.adminKey, options);
    await check(opened, { list: views(), isForBarriers });
  });

  it("is so for a token's holder", async () => {
    const opened = await signedIn(browser, gateway, holder.text, options);
    await check(opened, { list: ownViews, isForBarriers });
  });
});

describe('the way in', () => {
  it('is without barriers, light and dark, and says what was wrong', async () => {
    const page = await browser.page(consoleUrl(gateway));
    await page.getByLabel('Your credential').fill('wrong');
    await page.getByRole('button', { name: 'Sign in' }).click();
    expect(await page.getByRole('alert').innerText()).toContain('A token begins with tgk_ or tga_');
    expect(await barriersLightAndDark(page)).toEqual([]);
  });
});

describe.each([
  ['admin', null],
  ['auditor', null],
  ['team-admin', [team]],
  ['auditor', [team]],
] as const)('what the role %s of %j sees', (role, teams) => {
  it('is what the API lets it read, and a sentence where it does not', async () => {
    const made = await gateway.admin('POST', '/admin/admins', { role, teams });
    const credential = String(made.body['token']);
    const { page, open, watched } = await signedIn(browser, gateway, credential);
    const links = await page
      .locator('nav[aria-label="Console"] a')
      .evaluateAll((all) => all.map((link) => link.getAttribute('href')?.slice(2) ?? ''));
    for (const route of links) {
      await open(route);
      expect(await page.locator('main .failure').allInnerTexts(), route).toEqual([]);
    }
    expect(links.includes('admins')).toBe(false);
    expect(links.includes('audit')).toBe(teams === null);
    await open(`teams/${team}`);
    const mayIssue = role !== 'auditor';
    expect(await page.getByRole('button', { name: 'Issue a token' }).count()).toBe(mayIssue ? 1 : 0);
    expect(await page.getByRole('button', { name: 'Delete' }).count()).toBe(role === 'admin' ? 1 : 0);
    expect(watched.complaints).toEqual([]);

    // Whatever the address says, the gateway decides.
    await open('admins');
    expect(await page.getByRole('alert').innerText()).toContain('This needs the administrator key');
    await open('teams/other');
    expect(await page.getByRole('alert').count()).toBe(teams === null ? 0 : 1);
  });
});

describe('figures', () => {
  it('are the same on the page, in the API and in the ledger', async () => {
    const entries = await gateway.entries(team);
    const sum = (field: 'input_tokens' | 'output_tokens'): number =>
      entries.reduce((all, entry) => all + entry[field], 0);
    const overview = await gateway.admin('GET', '/admin/overview?period=today');
    const told = overview.body['figures'] as Record<string, number>;
    expect([told['requests'], told['input_tokens'], told['output_tokens']]).toEqual([
      entries.length,
      sum('input_tokens'),
      sum('output_tokens'),
    ]);
    const { page, open } = await signedIn(browser, gateway, gateway.adminKey);
    const tile = (label: string): Promise<string> =>
      page.locator('.tile', { hasText: label }).locator('dd').first().innerText();
    expect(await tile('Requests')).toBe(String(entries.length));
    expect(await tile('Input tokens')).toBe(sum('input_tokens').toLocaleString('en-US'));
    expect(await tile('Output tokens')).toBe(sum('output_tokens').toLocaleString('en-US'));
    await open('usage?by=team');
    const total = await page.locator('tfoot td').allInnerTexts();
    expect(total.slice(1, 4)).toEqual([
      String(entries.length),
      sum('input_tokens').toLocaleString('en-US'),
      sum('output_tokens').toLocaleString('en-US'),
    ]);
  });
});

describe('the first view', () => {
  it('asks for three files and one answer', async () => {
    const { page } = await signedIn(browser, gateway, gateway.adminKey);
    const asked: string[] = [];
    page.on('request', (request) => asked.push(new URL(request.url()).pathname));
    await page.reload();
    await page.locator('.tile').first().waitFor();
    const api = asked.filter((path) => path.startsWith('/console/api/'));
    expect(api).toEqual(['/console/api/admin/overview']);
    expect(asked.length - api.length).toBeLessThanOrEqual(3);
  });

  it('reads nothing again by itself', async () => {
    const { page, open } = await signedIn(browser, gateway, gateway.adminKey);
    await page.clock.install();
    await open('');
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    await page.clock.runFor(120_000);
    expect(asked).toEqual([]);
  });
});
