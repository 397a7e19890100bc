import type { Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchBrowser, type TestBrowser } from '../../support/browser.ts';
import { type IssuedToken, startGateway, type TestGateway } from '../../support/gateway.ts';
import { bodies, post } from '../../support/gateway-client.ts';
import { startRedis, type RedisServer } from '../../support/redis-server.ts';
import { startStaticSite } from '../../support/static-site.ts';
import { runIn } from '../../support/in-page.ts';
import { consoleUrl, loaded, signedIn } from './console-page.ts';

let browser: TestBrowser;
let redis: RedisServer;
let gateway: TestGateway;

beforeAll(async () => {
  [browser, redis] = await Promise.all([launchBrowser(), startRedis()]);
  gateway = await startGateway({ redis, env: { STORE_TIMEOUT_MS: '1500' } });
});
afterAll(async () => {
  await browser.close();
  await gateway.close();
  await redis.stop();
});

/** Everything that a script of the page could read. */
async function readable(page: Page): Promise<string> {
  return String(
    await page.evaluate(`(async () => JSON.stringify([
      { ...localStorage }, { ...sessionStorage }, document.cookie, location.href, history.state,
      await indexedDB.databases(), await caches.keys(), document.documentElement.outerHTML,
      [...document.querySelectorAll('input, textarea')].map((field) => field.value),
    ]))()`),
  );
}

describe('from nothing to a colleague’s first answer, without the command line', () => {
  it('an administrator makes team, user, limit and token, and tries it; a colleague opens a link and chats', async () => {
    const { page, open, watched } = await signedIn(browser, gateway, gateway.adminKey);
    await open('start');
    await page.getByLabel('Id of the team').fill('first');
    await page.getByRole('button', { name: 'Make the team' }).click();
    await page.getByLabel('Id of the user').fill('bo');
    await page.getByRole('button', { name: 'Make the user' }).click();
    await page.getByLabel('At most').fill('50000');
    await page.getByRole('button', { name: 'Set the limit' }).click();
    await page.getByRole('button', { name: 'Issue the token' }).click();
    await page.getByRole('button', { name: 'Send' }).click();
    await page.getByRole('log', { name: 'The answer' }).getByText(/\w{3}/).waitFor();
    const { body } = await gateway.admin('GET', '/admin/teams/first');
    expect(body['limits']).toMatchObject([{ metric: 'tokens', window: 'day', max: 50_000 }]);
    await gateway.settled('first', 1);

    // The colleague's: a link, its page, the token, the playground.
    await open('teams/first');
    await page.getByRole('button', { name: 'Issue a token' }).click();
    await page.getByRole('dialog').getByLabel('User').fill('bo');
    await page.getByRole('button', { name: 'Issue', exact: true }).click();
    const link = (await page.locator('.secret code').innerText()).trim();
    expect(link).toContain('/claim/');
    // It is not shown again, so a key that closes dialogs must not take it away.
    for (const _ of [1, 2]) await page.keyboard.press('Escape');
    expect(await page.getByRole('dialog', { name: 'The token is made' }).isVisible()).toBe(true);
    const colleague = await browser.page(link);
    await colleague.getByRole('button', { name: 'Show the token' }).click();
    const token = (await colleague.locator('#token, pre').first().innerText()).trim();
    expect(token).toMatch(/^tgk_/);

    const own = await signedIn(browser, gateway, token);
    await own.open('playground');
    await own.page.getByLabel('System prompt').fill('Be brief.');
    await own.page.getByLabel('Your message').fill('Hello there');
    await own.page.keyboard.press('Enter');
    await own.page
      .locator('.turn.assistant')
      .getByText(/tokens in, .* out/)
      .waitFor();
    expect(await own.page.locator('.turn.assistant .said').innerText()).toMatch(/\w{3}/);
    await own.open('');
    await own.page.getByRole('region', { name: 'Your requests' }).getByText('ok', { exact: true }).waitFor();
    expect([...watched.complaints, ...own.watched.complaints]).toEqual([]);

    // No script could have kept the credential.
    for (const secret of [gateway.adminKey, token]) {
      for (const each of [page, own.page]) expect(await readable(each)).not.toContain(secret);
    }
  });
});

describe('a link from a terminal', () => {
  it('signs in whoever opens it, also beside an open session; once it is used, that session goes on', async () => {
    const { text } = await gateway.issue();
    const { page } = await signedIn(browser, gateway, text);
    await page.getByRole('heading', { name: 'My page' }).waitFor();
    const { body } = await gateway.admin('POST', '/admin/console-links');
    const fragment = new URL(String(body['url'])).hash;
    await page.goto(consoleUrl(gateway) + fragment); // the same page: only the fragment changes
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.goto(consoleUrl(gateway) + fragment);
    await page.getByText('This link was used already').waitFor();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    expect(page.url()).toBe(`${consoleUrl(gateway)}#/`);
  });
});

describe('what may change while one looks', () => {
  it('has a button that reads again', async () => {
    const { page, open } = await signedIn(browser, gateway, gateway.adminKey);
    for (const route of [
      '',
      'teams',
      'tokens',
      'usage',
      'requests',
      'refusals',
      'audit',
      'upstreams',
      'sessions',
    ]) {
      await open(route);
      const read = page.waitForRequest((request) => request.url().includes('/console/api/'));
      await page.getByRole('button', { name: 'Read again' }).click();
      await read;
    }
  });
});

describe('by keyboard alone', () => {
  it('a step of the first steps leads to the next; a team that exists is used with its limits', async () => {
    await gateway.admin('POST', '/admin/teams', {
      id: 'there',
      limits: [{ metric: 'tokens', window: 'day', max: 100_000 }],
    });
    const { page, open } = await signedIn(browser, gateway, gateway.adminKey);
    await open('start');
    await page.getByLabel('Id of the team').fill('there');
    await page.keyboard.press('Enter');
    const focused = (): Promise<unknown> => page.evaluate('document.activeElement.textContent');
    await expect.poll(focused).toBe('2. A user in it');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await expect.poll(focused).toBe('4. A token');
    const { body } = await gateway.admin('GET', '/admin/teams/there');
    expect(body['limits']).toHaveLength(1);
  });

  it('one signs in, goes to a team, opens a dialog, leaves it, and is where one was', async () => {
    await gateway.admin('POST', '/admin/teams', { id: 'keys' });
    const page = await browser.page(consoleUrl(gateway));
    await page.getByLabel('Your credential').focus();
    await page.keyboard.type(gateway.adminKey);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await tabTo(page, 'Teams');
    await page.keyboard.press('Enter');
    await page.getByRole('link', { name: 'keys' }).waitFor();
    // The focus is at the heading of the new view.
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Teams');
    await tabTo(page, 'keys');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'keys', exact: true }).waitFor();
    await loaded(page);
    await tabTo(page, 'Add a limit');
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Add a limit' });
    await dialog.getByLabel('At most').fill('7');
    // However fast the keys follow each other, none is lost.
    for (let n = 0; n < 20; n += 1) {
      await page.keyboard.press('Escape');
      await page.keyboard.press('Enter');
      await dialog.getByLabel('At most').fill('7');
    }
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Add a limit');
    await page.keyboard.press('Enter');
    await dialog.getByLabel('At most').fill('7');
    await page.keyboard.press('Enter');
    await page.getByText('7 tokens a day').first().waitFor();
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Add a limit');
    await page.getByRole('status').getByText('The limit was added.').waitFor();
    await page.getByRole('button', { name: 'Undo' }).press('Enter');
    const limits = page.locator('section', { hasText: 'Limits of the team' });
    await limits.getByText('No limits', { exact: true }).waitFor();
  });
});

describe('a limit of a team', () => {
  it('is raised for a while, which its bar shows and one can withdraw, and only observes if one likes', async () => {
    const limits = [{ metric: 'tokens', window: 'day', max: 1_000 }];
    await gateway.admin('POST', '/admin/teams', { id: 'raised', limits });
    const { page, open } = await signedIn(browser, gateway, gateway.adminKey);
    await open('teams/raised');
    await page.getByRole('button', { name: 'Raise 1,000 tokens a day' }).click();
    const raising = page.getByRole('dialog', { name: 'Raise the limit for a while' });
    await raising.getByLabel('By').fill('500');
    await raising.getByLabel('For').selectOption('a week');
    await raising.getByRole('button', { name: 'Raise', exact: true }).click();
    await page.getByText('0 used, 1,500 left, raised by 500').waitFor();
    await page.getByText('Raised by 500 until').waitFor();
    await page.getByRole('button', { name: 'Withdraw the raise by 500' }).click();
    await page.getByText('0 used, 1,000 left', { exact: true }).waitFor();

    await page.getByRole('button', { name: 'Change 1,000 tokens a day' }).click();
    const changing = page.getByRole('dialog', { name: 'Change the limit' });
    await changing.getByLabel('Only observe').check();
    await changing.getByRole('button', { name: 'Save' }).click();
    await page.getByText('observes only').waitFor();
    const { body } = await gateway.admin('GET', '/admin/teams/raised');
    expect(body).toMatchObject({ limits: [{ ...limits[0], enforce: false }], raises: null });
  });
});

/** Presses Tab until the focus is on something with this text. */
async function tabTo(page: Page, text: string): Promise<void> {
  for (let pressed = 0; pressed < 80; pressed += 1) {
    await page.keyboard.press('Tab');
    if ((await page.evaluate('document.activeElement.textContent.trim()')) === text) return;
  }
  throw new Error(`Tab does not reach "${text}".`);
}

describe('names', () => {
  it('of any kind are shown as text, and break no page', async () => {
    const names = [
      'W'.repeat(128),
      '‮أهلا وسهلا',
      '<script>alert(1)</script><img src=x onerror=alert(1)>',
      '${7*7}',
    ];
    const made = await gateway.issue({ team: { id: 'names' } });
    for (const [n, name] of names.entries()) {
      await gateway.admin('POST', '/admin/teams/names/users', { id: `user-${n}`, name });
      await gateway.admin('POST', '/admin/teams/names/tokens', { user: `user-${n}`, name });
    }
    await gateway.admin('PATCH', '/admin/teams/names', { name: names[2] });
    for (const width of [360, 1280]) {
      const { page, open, watched } = await signedIn(browser, gateway, gateway.adminKey, {
        viewport: { width, height: 800 },
      });
      for (const route of [
        'teams',
        'teams/names',
        'tokens?team=names',
        `teams/names/users/user-2`,
        'audit?team=names',
      ]) {
        await open(route);
        expect(
          await page.evaluate('document.documentElement.scrollWidth <= innerWidth'),
          `${route} at ${width}`,
        ).toBe(true);
      }
      expect(await page.locator('img, script:not([src]):not([type])').count()).toBe(0);
      await open('teams/names');
      await page.getByText('<script>alert(1)</script>').first().waitFor();
      expect(watched.complaints).toEqual([]);
    }
    expect(made.team).toBe('names');
  });
});

describe('what is not as usual', () => {
  async function holder(limits: IssuedToken | null = null): Promise<IssuedToken> {
    return limits ?? gateway.issue();
  }

  it('a leaked token: its page and the trail say so, the address of the find is a text, also on a phone', async () => {
    const leaked = await gateway.issue();
    const url = `https://example.com/${'a'.repeat(200)}/%3Cb%3E`;
    await post(`${gateway.url}/leaks`, { token: leaked.text, url });
    const { page, open, watched } = await signedIn(browser, gateway, gateway.adminKey, {
      viewport: { width: 360, height: 800 },
    });
    await open(`teams/${leaked.team}/tokens/${leaked.id}`);
    await page.getByText('revoked: leaked').waitFor();
    await open(`audit?team=${leaked.team}&operation=token.revoke`);
    await page.locator('button[aria-haspopup=dialog]').first().click();
    await page.getByText(url, { exact: true }).waitFor();
    expect(await page.locator(`a[href*="example.com"]`).count()).toBe(0);
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    expect(watched.complaints).toEqual([]);
  });

  it('a spent budget: the page of its holder says so, and goes on', async () => {
    const spent = await gateway.issue({ limits: [{ metric: 'requests', window: 'day', max: 1 }] });
    await post(`${gateway.url}/v1/chat/completions`, bodies.chat(), { token: spent.text });
    await gateway.settled(spent.team, 1);
    const { page, open, watched } = await signedIn(browser, gateway, spent.text);
    await page.getByText('1 used, 0 left').waitFor();
    await open('playground');
    await page.getByLabel('Your message').fill('Hello');
    await page.getByRole('button', { name: 'Send' }).click();
    const refusal = await page.getByRole('alert').innerText();
    expect(refusal).toContain('does not fit');
    expect(watched.complaints.filter((text) => !text.includes('429'))).toEqual([]);
  });

  it('a token whose sessions must prove a key: the playground has one', async () => {
    const strict = await gateway.issue();
    const admin = await signedIn(browser, gateway, gateway.adminKey);
    await admin.open(`teams/${strict.team}/tokens/${strict.id}`);
    const policy = admin.page.locator('section.card', { hasText: 'What the token may use' });
    await policy.getByRole('button', { name: 'Change' }).click();
    await admin.page.getByLabel('Its sessions must prove').selectOption('once');
    await admin.page.getByRole('button', { name: 'Save' }).click();
    await admin.page.getByText('by proofs that work once').first().waitFor();
    const { page, open } = await signedIn(browser, gateway, strict.text);
    await open('playground');
    for (const answers of [1, 2]) {
      await page.getByLabel('Your message').fill('Hello');
      await page.getByRole('button', { name: 'Send' }).click();
      await page
        .locator('.turn.assistant')
        .getByText(/tokens in, .* out/)
        .nth(answers - 1)
        .waitFor();
    }
    await gateway.settled(strict.team, 2);
  });

  it('a suspended user is told so, and is in again when that ends', async () => {
    const { text, team, user } = await holder();
    const { page } = await signedIn(browser, gateway, text);
    await gateway.admin('POST', `/admin/teams/${team}/users/${user}/suspend`);
    await page.getByRole('button', { name: 'Read again' }).click();
    await page.getByRole('alert').getByText('The user of this token is suspended.').first().waitFor();
    await gateway.admin('POST', `/admin/teams/${team}/users/${user}/resume`);
    await page.reload();
    await page.getByRole('heading', { name: 'My page' }).waitFor();
    expect(await page.getByRole('alert').count()).toBe(0);
  });

  it('an administrator gives each end user a limit, and suspends and resumes one', async () => {
    const { team } = await gateway.issue();
    const { page, open, watched } = await signedIn(browser, gateway, gateway.adminKey);
    await open(`teams/${team}`);
    const sectionOf = (name: string): Locator =>
      page.locator('section', { has: page.getByRole('heading', { name, exact: true }) });
    const limits = sectionOf('Limits of each end user');
    await limits.getByRole('button', { name: 'Add a limit' }).click();
    await page.getByRole('dialog').getByLabel('At most').fill('50');
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
    await limits.getByRole('listitem').waitFor();
    const suspended = sectionOf('Suspended end users');
    await suspended.getByRole('button', { name: 'Suspend an end user' }).click();
    await page.getByRole('dialog').getByLabel('End user').fill('visitor / 7');
    await page.getByRole('dialog').getByRole('button', { name: 'Suspend', exact: true }).click();
    await suspended.getByText('visitor / 7').waitFor();
    const { body } = await gateway.admin('GET', `/admin/teams/${team}`);
    expect(body).toMatchObject({
      end_user_limits: [{ max: 50 }],
      suspended_end_users: [{ end_user: 'visitor / 7' }],
    });
    await suspended.getByRole('button', { name: 'Resume' }).click();
    await suspended.getByText('Nobody is suspended').waitFor();
    expect(watched.complaints).toEqual([]);
  });

  it('a session that ended while it was used leads to the way in, with the reason', async () => {
    const made = await gateway.admin('POST', '/admin/admins', { role: 'admin' });
    const { page, open } = await signedIn(browser, gateway, String(made.body['token']));
    await gateway.admin('DELETE', `/admin/admins/${String(made.body['id'])}`);
    await page.goto(`${consoleUrl(gateway)}#/teams`);
    await page.getByText('Your administrator has changed since you signed in. Sign in again.').waitFor();
    await page.getByLabel('Your credential').fill(gateway.adminKey);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Teams' }).waitFor();
    await open('');
  });

  it('an undo leaves alone what somebody else has changed since, and says so', async () => {
    const { team } = await holder();
    const { page, open } = await signedIn(browser, gateway, gateway.adminKey);
    await open(`teams/${team}`);
    await page.getByRole('button', { name: 'Edit' }).click();
    await page.getByRole('dialog').getByLabel('Name').fill('Mine');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('It was changed.').waitFor();
    await gateway.admin('PATCH', `/admin/teams/${team}`, { name: 'Theirs' });
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByRole('status').getByText('It was not undone').waitFor();
    const { body } = await gateway.admin('GET', `/admin/teams/${team}`);
    expect(body['name']).toBe('Theirs');
  });

  it('the tabs of a browser sign out together', async () => {
    const { page } = await signedIn(browser, gateway, gateway.adminKey);
    const other = await page.context().newPage();
    await other.goto(consoleUrl(gateway));
    await other.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await other.getByLabel('Your credential').waitFor();
  });

  it('a store that is away: a sentence and a way to try again, also for a page that is opened then', async () => {
    const { page, open } = await signedIn(browser, gateway, gateway.adminKey);
    redis.pause();
    try {
      await page.goto(`${consoleUrl(gateway)}#/teams`);
      await page.getByRole('alert').getByText(/store/i).first().waitFor();
      const other = await browser.page(consoleUrl(gateway));
      await other.getByLabel('Your credential').waitFor();
    } finally {
      redis.resume();
    }
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('table', { name: 'Teams' }).waitFor();
    await open('');
  });

  it('records that are not there: the overview says what that means', async () => {
    const { page } = await signedIn(browser, gateway, gateway.adminKey);
    await page.getByText('DATABASE_URL').first().waitFor();
  });
});

describe('a page at another place', () => {
  it('changes and reads nothing, though the browser sends the cookie from a sibling host', async () => {
    const site = await startStaticSite({ files: { '/': '<h1>Elsewhere</h1>' } });
    try {
      const { page } = await signedIn(browser, gateway, gateway.adminKey);
      for (const origin of [site.origin.replace('127.0.0.1', 'localhost'), site.origin]) {
        const elsewhere = await page.context().newPage();
        await elsewhere.goto(origin);
        const url = consoleUrl(gateway).replace('/console', '/console/api/admin/teams');
        const seen = await runIn(
          elsewhere,
          { url },
          `const tries = [
            fetch(url, { method: 'POST', credentials: 'include', mode: 'no-cors', body: '{"id":"stolen"}' }),
            fetch(url, { method: 'POST', credentials: 'include', headers: { 'x-tollgate-console': '1' }, body: '{"id":"stolen"}' }),
            fetch(url, { credentials: 'include' }).then((answer) => answer.text()),
          ];
          return (await Promise.allSettled(tries)).map(({ status, value }) => status + ' ' + (value?.type ?? value ?? ''));`,
        );
        expect(seen).toEqual(['fulfilled opaque', 'rejected ', 'rejected ']);
        // A form, which needs no permission.
        await elsewhere.evaluate(
          `document.body.innerHTML = '<form method="post" enctype="text/plain" action="${url}"><input name=\\'{"id":"stolen","x":"\\' value=\\'"}\\'></form>'; document.forms[0].submit()`,
        );
        await elsewhere.waitForURL(url);
        expect(await elsewhere.content()).toContain('origin_not_allowed');
      }
      expect((await gateway.admin('GET', '/admin/teams/stolen')).status).toBe(404);
    } finally {
      await site.close();
    }
  });
});

describe('a large gateway', () => {
  let large: TestGateway;
  beforeAll(async () => {
    large = await startGateway({ redis, env: { REDIS_PREFIX: 'large:' } });
  });
  afterAll(() => large.close());

  it('is shown in bounded requests: 1,000 teams, 10,000 tokens', async () => {
    const teams = Array.from({ length: 1_000 }, (_, n) => `t${String(n).padStart(4, '0')}`);
    const at = new Date().toISOString();
    const none = { models: null, endpoints: null, origins: null, tools: null, limits: [], created_at: at };
    const document = {
      tollgate_export: 1,
      exported_at: at,
      teams: teams.map((id) => ({ id, name: null, ...none })),
      users: teams.map((team) => ({ id: 'u', team, name: null, email: null, limits: [], created_at: at })),
      tokens: teams.flatMap((team) =>
        Array.from({ length: 10 }, (_, n) => ({
          id: `tok_${team}${n}`,
          team,
          user: 'u',
          name: null,
          prefix: 'tgk_12345678',
          ...none,
          expires_at: null,
          revoked_at: null,
          secret_hashes: [Buffer.from(`${team}${n}`.padEnd(32, '-')).toString('base64url')],
        })),
      ),
    };
    const imported = await large.admin('POST', '/admin/import', document);
    expect([imported.status, imported.body]).toMatchObject([200, { created: 12_000 }]);
    const { page, open } = await signedIn(browser, large, large.adminKey);
    const asked: { path: string; bytes: number }[] = [];
    page.on('response', async (response) => {
      const body = await response.body().catch(() => Buffer.alloc(0));
      asked.push({ path: new URL(response.url()).pathname, bytes: body.length });
    });
    for (const route of ['', 'teams', 'tokens', 'teams/t0500']) {
      asked.length = 0;
      await open(route);
      expect(asked.length, route).toBeLessThanOrEqual(4);
      for (const { path, bytes } of asked) expect(bytes, `${route} ${path}`).toBeLessThan(60_000);
      expect(await page.locator('tbody tr').count(), route).toBeLessThanOrEqual(60);
    }
    await open('tokens');
    await page.getByRole('button', { name: 'Show more' }).click();
    await expect.poll(() => page.locator('tbody tr').count(), { timeout: 20_000 }).toBe(100);
  });
});
