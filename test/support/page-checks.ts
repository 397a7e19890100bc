import axe from 'axe-core';
import type { Page } from 'playwright-core';

/** What a page had to complain about, and where it asked for something. */
export interface Watched {
  /** Messages on the console, which Chromium writes violations of a Content-Security-Policy to, and errors. */
  complaints: string[];
  origins: Set<string>;
}

/** Watches a page from before it is opened. */
export function watch(page: Page): Watched {
  const watched: Watched = { complaints: [], origins: new Set() };
  page.on('console', (message) => watched.complaints.push(message.text()));
  page.on('pageerror', (error) => watched.complaints.push(error.message));
  page.on('request', (request) => watched.origins.add(new URL(request.url()).origin));
  return watched;
}

/** Of axe-core's rules, those that are on by default and look at colours. */
const colourRules = ['color-contrast', 'link-in-text-block'];

/** What axe-core finds wrong on a page: `rule: where, where`. `only`: these of its rules. */
export async function barriersOn(page: Page, { only }: { only?: readonly string[] } = {}): Promise<string[]> {
  // Not a script of the page, so that no policy is in its way. A document gets it once, however many views it shows.
  if (!(await page.evaluate('"axe" in window'))) await page.evaluate(`${axe.source}; undefined`);
  // Only what is asked for comes back: the rest is megabytes.
  const options = {
    resultTypes: ['violations'],
    ...(only ? { runOnly: { type: 'rule', values: only } } : {}),
  };
  return page.evaluate(`axe.run(${JSON.stringify(options)}).then(({ violations }) =>
    violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ target }) => target.join(' ')).join(', ')),
  )`);
}

/** The same, light and dark. The scheme changes colours and nothing else, so in the dark only the rules on them are asked. */
export async function barriersLightAndDark(page: Page): Promise<string[]> {
  await emulate(page, 'light');
  const light = await barriersOn(page);
  await emulate(page, 'dark');
  const dark = await barriersOn(page, { only: colourRules });
  return [...light, ...dark.map((each) => `dark: ${each}`)];
}

/** Gives the page a colour scheme. Scripts that listen to the scheme have run by the frame after it. */
async function emulate(page: Page, colorScheme: 'light' | 'dark'): Promise<void> {
  await page.emulateMedia({ colorScheme });
  await page.evaluate('new Promise(requestAnimationFrame)');
}

/** Whether everything fits into the width of the window. */
export function fitsItsWidth(page: Page): Promise<boolean> {
  return page.evaluate('document.documentElement.scrollWidth <= innerWidth');
}
