import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { inject } from 'vitest';

/** A connection to the run's headless Chromium. */
export interface TestBrowser {
  /** A page with its own cache, cookies and storage; if `url` is given, it is opened and loaded. */
  page(url?: string, options?: BrowserContextOptions): Promise<Page>;
  /** Closes its pages and leaves Chromium running for other test files. */
  close(): Promise<void>;
}

/** Connects to the Chromium that test/support/chromium-server.ts started. */
export async function launchBrowser(): Promise<TestBrowser> {
  const browser = await chromium.connect(inject('chromiumUrl'));
  return {
    page: (url, options) => openPage(browser, url, options),
    close: () => browser.close(),
  };
}

async function openPage(
  browser: Browser,
  url: string | undefined,
  options: BrowserContextOptions = {},
): Promise<Page> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.setDefaultTimeout(100_000); // a test's own deadline is 120 s
  if (url !== undefined) await page.goto(url);
  return page;
}
