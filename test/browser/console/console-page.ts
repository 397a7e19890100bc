import type { BrowserContextOptions, Page } from 'playwright-core';
import type { TestBrowser } from '../../support/browser.ts';
import { type Watched, watch } from '../../support/page-checks.ts';
import type { TestGateway } from '../../support/gateway.ts';

/** Browsers keep a secure cookie over plain http on this name. */
export function consoleUrl({ port }: Pick<TestGateway, 'port'>): string {
  return `http://localhost:${port}/console`;
}

export interface ConsolePage {
  page: Page;
  watched: Watched;
  /** Goes to a view and waits until it has read what it shows. */
  open: (route: string) => Promise<void>;
}

/** Opens the console, signs in by typing a credential, and waits until the first view has read what it shows. */
export async function signedIn(
  browser: TestBrowser,
  gateway: TestGateway,
  credential: string,
  options: BrowserContextOptions = {},
): Promise<ConsolePage> {
  const page = await browser.page(undefined, options);
  const watched = watch(page);
  await page.goto(consoleUrl(gateway));
  await page.getByLabel('Your credential').fill(credential);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('.who').waitFor({ state: 'attached' }); // behind a button on a phone
  await loaded(page); // what a test changes next is not in what the page reads now
  const open = async (route: string): Promise<void> => {
    await page.goto(`${consoleUrl(gateway)}#/${route}`);
    await loaded(page);
  };
  return { page, watched, open };
}

/** Waits until a view has read everything. */
export async function loaded(page: Page): Promise<void> {
  await page.locator('main h1').first().waitFor();
  const skeletons = page.locator('main .skeleton');
  while ((await skeletons.count()) > 0) await skeletons.first().waitFor({ state: 'detached' });
}
