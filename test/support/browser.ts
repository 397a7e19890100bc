import { chromium, type Browser, type Page } from 'playwright-core';
import { findChromium } from '../../scripts/find-chromium.ts';

/** A headless Chromium; one a test file is enough, for each page starts from nothing. */
export interface TestBrowser {
  /** A page with a cache, cookies and storage of its own; `url`, where given, is opened and loaded. */
  page(url?: string): Promise<Page>;
  /** Ends it with all its pages. */
  close(): Promise<void>;
}

/** Starts one. Throws where there is no Chromium. */
export async function launchBrowser(): Promise<TestBrowser> {
  const browser = await chromium.launch({ executablePath: executablePath() });
  return {
    page: (url) => openPage(browser, url),
    close: () => browser.close(),
  };
}

function executablePath(): string {
  const found = findChromium();
  if (!found) throw new Error('There is no Chromium: scripts/ensure-chromium.ts gets one.');
  return found.path;
}

async function openPage(browser: Browser, url: string | undefined): Promise<Page> {
  const context = await browser.newContext();
  const page = await context.newPage();
  if (url !== undefined) await page.goto(url);
  return page;
}
