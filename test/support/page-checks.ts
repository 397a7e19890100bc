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

/** What axe-core finds wrong on a page: `rule: where, where`. */
export function barriersOn(page: Page): Promise<string[]> {
  // Not a script of the page, so that no policy is in its way. Only what is asked for comes back: the rest is megabytes.
  return page.evaluate(`${axe.source};
    axe.run({ resultTypes: ['violations'] }).then(({ violations }) =>
      violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ target }) => target.join(' ')).join(', ')),
    );`);
}

/** Whether everything fits into the width of the window. */
export function fitsItsWidth(page: Page): Promise<boolean> {
  return page.evaluate('document.documentElement.scrollWidth <= innerWidth');
}
