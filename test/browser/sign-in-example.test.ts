import type { Page, Response, Route } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { originsAt, startBackend } from '../../examples/browser/backend.js';
import { type ExampleIssuer, startExampleIssuer } from '../../examples/browser/issuer.ts';
import { issuersFile } from '../../examples/browser/issuers-file.ts';
import { parseIssuers } from '../../src/config/issuers.ts';
import { launchBrowser, type TestBrowser } from '../support/browser.ts';
import { freePort } from '../support/free-port.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { patient, TurnedClock } from '../support/turned-clock.ts';

/* The example without a back end, used as a person would: the site serves files and knows no token. */

const clock = new TurnedClock();
const clientId = 'example-page';
let browser: TestBrowser;
let gateway: TestGateway;
let issuer: ExampleIssuer;
let site: Awaited<ReturnType<typeof startBackend>>;
let page: Page;
let complaints: string[];

beforeAll(async () => {
  browser = await launchBrowser();
  const port = await freePort();
  const origins = originsAt(port);
  const redirectUris = origins.map((origin) => `${origin}/oidc.html`);
  issuer = await startExampleIssuer({ clientId, redirectUris });
  const parsed = parseIssuers(issuersFile({ issuer: issuer.url, clientId, origins, team: 'demo' }));
  if (!parsed.ok) throw new Error(parsed.problems.join('\n'));
  gateway = await startGateway({ clock, env: patient, issuers: parsed.issuers });
  await gateway.admin('POST', '/admin/teams', { id: 'demo' });
  site = await startBackend({
    gateway: gateway.url,
    token: '',
    port,
    signIn: { issuer: issuer.url, clientId },
  });
  page = await browser.page();
  page.on('console', (message) => {
    const isOfStatus = message.text().includes('the server responded with a status of'); // told apart below
    if (message.type() === 'error' && !isOfStatus) complaints.push(message.text());
  });
  page.on('response', (response) => {
    const isOfNonce = response.headers()['dpop-nonce'] !== undefined; // the gateway asks a new page for one
    if (response.status() >= 400 && !isOfNonce) complaints.push(`${response.status()} ${response.url()}`);
  });
  page.on('pageerror', (error) => void complaints.push(String(error)));
});
// A page that remembers nothing of the test before.
beforeEach(async () => {
  await page.unrouteAll({ behavior: 'wait' });
  await page.context().clearCookies();
  await page.goto(`${site.origin}/settings.js`); // a document of the site that runs no script
  await page.evaluate('sessionStorage.clear(); localStorage.clear()');
  complaints = [];
  await page.goto(`${site.origin}/oidc.html`);
});
afterEach(() => void vi.restoreAllMocks());
afterAll(async () => {
  await browser.close();
  await Promise.all([site.close(), issuer.close(), gateway.close()]);
});

const said = '#conversation li.assistant:last-child';
const shows = (selector: string, text: string): Promise<void> =>
  page.locator(selector, { hasText: text }).waitFor({ timeout: 30_000 });

async function signIn(name = 'Ana'): Promise<void> {
  await page.click('#sign-in');
  await page.click(`text=Sign in as ${name}`);
  await shows('#who', `Signed in as ${name}.`);
}

async function ask(question: string): Promise<void> {
  await page.fill('#question', question);
  await page.click('#send');
}

async function expectAnswer(question: string): Promise<void> {
  await ask(question);
  await shows(said, `You said: ${question}`);
  await shows('#status', 'Done');
}

/** Time goes on for the gateway, which verifies tokens by the clock of the process and all else by its own. */
function turn(ms: number): void {
  const now = Date.now.bind(Date);
  vi.spyOn(Date, 'now').mockImplementation(() => now() + ms);
  clock.aheadMs += ms;
}

/** Changes the ID token that the provider gives the page. */
async function changeIdToken(change: (idToken: string) => string): Promise<void> {
  await page.route(`${issuer.url}/token`, async (route: Route) => {
    const response = await route.fetch();
    const json = (await response.json()) as { id_token: string };
    await route.fulfill({ response, json: { ...json, id_token: change(json.id_token) } });
  });
}

describe('oidc.html', () => {
  it('signs in, gets a session for the ID token and streams with it', async () => {
    await page.fill('#question', 'What was I about to ask?');
    await signIn();
    expect(await page.inputValue('#question')).toBe('What was I about to ask?');
    expect(page.url()).toBe(`${site.origin}/oidc.html`); // no code left in it
    await expectAnswer('What is the time?');
    await expectAnswer('And now?');
    const entries = await gateway.settled('demo', 2);
    expect(new Set(entries.map(({ session_id: id }) => id)).size).toBe(1);
    expect(entries[0]?.user).toMatch(/^oidc-/);
    expect(complaints).toEqual([]);
  });

  it('sends whoever asks before signing in to the provider, and keeps the question', async () => {
    await ask('Did you wait for me?');
    await page.click('text=Sign in as Bo');
    await shows('#who', 'Signed in as Bo.');
    expect(await page.inputValue('#question')).toBe('Did you wait for me?');
    await page.click('#send');
    await shows(said, 'You said: Did you wait for me?');
  });

  it('sends to the provider again when the ID token is too old', async () => {
    await signIn();
    await expectAnswer('One?');
    await page.evaluate('const now = Date.now; Date.now = () => now() + 3_580_000; undefined');
    await ask('Two?');
    await page.click('text=Sign in as Ana');
    await shows('#who', 'Signed in as Ana.');
    await expectAnswer('Two?');
  });

  it('goes on when its session has expired, with the same ID token', async () => {
    await signIn();
    await expectAnswer('One?');
    clock.aheadMs += 301_000;
    await expectAnswer('Two?');
    expect(page.url()).toBe(`${site.origin}/oidc.html`);
  });

  it('signs out: the conversation, the ID token and the session are gone', async () => {
    await signIn();
    await expectAnswer('One?');
    const isEnd = (response: Response): boolean =>
      response.url().endsWith('/v1/sessions') && response.request().method() === 'DELETE';
    const ended = page.waitForResponse(isEnd);
    await page.click('#sign-out');
    await shows('#status', 'Signed out.');
    await shows('#who', 'Not signed in.');
    expect(await page.textContent('#conversation')).toBe('');
    expect((await ended).status()).toBe(204);
    await ask('Two?');
    await page.click('text=Sign in as Bo');
    await shows('#who', 'Signed in as Bo.');
  });

  it('works under the other name of the site, too', async () => {
    await page.goto(`${site.origins[1]}/oidc.html`);
    await signIn();
    expect(page.url()).toBe(`${site.origins[1]}/oidc.html`);
    await expectAnswer('Where am I?');
  });

  it('signs in after the provider has rotated its keys', async () => {
    await signIn();
    await expectAnswer('One?');
    await issuer.rotate();
    turn(31_000); // an unknown key causes no fetch of keys before that
    await page.reload();
    await signIn();
    await expectAnswer('Two?');
  });

  it.each([
    [
      'the signature',
      (text: string) => text.replace(/\.([^.]{10})([^.]*)$/, '.AAAAAAAAAA$2'),
      'The signature',
    ],
    ['a claim', (text: string) => withClaims(text, { sub: 'user-root' }), 'The signature'],
    ['the algorithm', (text: string) => unsigned(text), 'The subject_token is not a signed JWT'],
  ])('shows why an ID token that was tampered with is refused: %s', async (_what, change, description) => {
    await changeIdToken(change);
    await signIn();
    await ask('Will you let me in?');
    await shows('#status.failed', `invalid_request: ${description}`);
    expect(await page.textContent(said)).toBe('');
  });

  it.each([
    ['another sign-in', { nonce: 'another' }, 'The ID token belongs to another sign-in.'],
    ['another client', { aud: 'another' }, 'The ID token is not for us.'],
  ])('refuses an ID token of %s itself', async (_whose, claims, description) => {
    await changeIdToken((text) => withClaims(text, claims));
    await page.click('#sign-in');
    await page.click('text=Sign in as Ana');
    await shows('#status.failed', `sign_in_refused: ${description}`);
    await shows('#who', 'Not signed in.');
  });

  it('takes no code that it did not ask for', async () => {
    await page.goto(`${site.origin}/oidc.html?code=stolen&state=made-up`);
    await shows('#status.failed', 'sign_in_refused: This page did not ask for that sign-in.');
  });
});

function withClaims(text: string, claims: object): string {
  const [header = '', payload = '', signature = ''] = text.split('.');
  const changed = { ...(JSON.parse(decoded(payload)) as object), ...claims };
  return [header, encoded(changed), signature].join('.');
}

function unsigned(text: string): string {
  const [, payload = ''] = text.split('.');
  return `${encoded({ alg: 'none', typ: 'JWT' })}.${payload}.`;
}

function decoded(part: string): string {
  return Buffer.from(part, 'base64url').toString();
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
