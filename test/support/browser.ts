import { chromium, type Browser, type Page } from 'playwright-core';
import { inject } from 'vitest';

/** A connection to the run's headless Chromium. */
export interface TestBrowser {
  /** A page with its own cache, cookies and storage; if `url` is given, it is opened and loaded. */
  page(url?: string): Promise<Page>;
  /** Closes its pages and leaves Chromium running for other test files. */
  close(): Promise<void>;
}

/** Connects to the Chromium that test/support/chromium-server.ts started. */
export async function launchBrowser(): Promise<TestBrowser> {
  const browser = await chromium.connect(inject('chromiumUrl'));
  return {
    page: (url) => openPage(browser, url),
    close: () => browser.close(),
  };
}

async function openPage(browser: Browser, url: string | undefined): Promise<Page> {
  const context = await browser.newContext();
  const page = await context.newPage();
  if (url !== undefined) await page.goto(url);
  return page;
}
