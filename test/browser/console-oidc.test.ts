import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchBrowser, type TestBrowser } from '../support/browser.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { type OidcIssuer, startIssuer } from '../support/oidc-issuer.ts';
import { barriersOn } from '../support/page-checks.ts';
import { trustedIssuer } from '../unit/sign-in/trusted.ts';

/* The provider is 127.0.0.1, the console localhost: two sites, so the session's cookie meets a redirect from another one. */

let browser: TestBrowser;
let provider: OidcIssuer;
let gateway: TestGateway;
let page: Page;
let home: string;
const complaints: string[] = [];

beforeAll(async () => {
  [browser, provider] = await Promise.all([launchBrowser(), startIssuer()]);
  const roles = [{ claim: 'groups', values: ['boss'], role: 'admin', teams: null } as const];
  const console = { clientId: 'the-console', clientSecret: null, scopes: ['openid'], label: 'Acme', roles };
  gateway = await startGateway({
    issuers: [trustedIssuer({ issuer: provider.url, isPublic: false, users: 'create', console })],
  });
  home = `http://localhost:${gateway.port}/console`;
  await gateway.admin('POST', '/admin/teams', { id: 'acme' });
  provider.codeFlow.redirectUris.add(`${home}/callback`);
  page = await browser.page();
  page.on('console', (message) => {
    // What the API refuses is another test's business.
    if (message.type() !== 'error' || message.text().startsWith('Failed to load')) return;
    complaints.push(message.text());
  });
  page.on('pageerror', (error) => void complaints.push(String(error)));
});
afterAll(async () => {
  await browser.close();
  await Promise.all([provider.close(), gateway.close()]);
});

describe('the console', () => {
  it('tells why a provider let nobody in, and lets in whom it does', async () => {
    await page.goto(home);
    expect(await barriersOn(page)).toEqual([]);
    provider.codeFlow.error = 'access_denied';
    await page.click('text=Sign in with Acme');
    await page.getByText('Acme did not sign you in, or you cancelled.').waitFor();
    expect(page.url()).toBe(home);

    provider.codeFlow.error = null;
    provider.codeFlow.claims = {
      sub: 'ada',
      groups: ['boss'],
      email: 'ada@acme.example',
      email_verified: true,
    };
    await page.click('text=Sign in with Acme');
    await page.getByText('ada@acme.example').waitFor();
    expect(new URL(page.url()).search).toBe('');
    await page.reload();
    await page.getByText('ada@acme.example').waitFor();
    const cookies = await page.context().cookies();
    expect(cookies.map(({ name, httpOnly, secure, sameSite }) => [name, httpOnly, secure, sameSite])).toEqual(
      [['__Host-tollgate', true, true, 'Strict']],
    );
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByText('Sign in with Acme').waitFor();

    provider.codeFlow.claims = { sub: 'bo' };
    await page.click('text=Sign in with Acme');
    await page.getByText('The account of oidc-').waitFor();
    expect(await page.getByRole('button', { name: 'New secret' }).count()).toBe(0);
    expect(complaints).toEqual([]);
  });
});
