import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchBrowser, type TestBrowser } from '../support/browser.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { mintSession } from '../support/sessions.ts';
import { type StaticFile, startStaticSite, type StaticSite } from '../support/static-site.ts';

/* What the documentation shows, as a page that somebody pastes it into. */

const root = join(import.meta.dirname, '../..');
const importMap = { imports: { '@tollgate/client': '/client/index.js', openai: '/openai/index.mjs' } };
let browser: TestBrowser;
let gateway: TestGateway;
let site: StaticSite;
let page: Page;

beforeAll(async () => {
  browser = await launchBrowser();
  const files: Record<string, string | StaticFile> = {
    '/': `<!doctype html><title>A page</title><script type="importmap">${JSON.stringify(importMap)}</script>`,
  };
  const folders = {
    '/client/': join(root, 'client'),
    '/openai/': dirname(fileURLToPath(import.meta.resolve('openai'))),
  };
  site = await startStaticSite({ files, folders });
  gateway = await startGateway();
  const token = await gateway.issue({ origins: [site.origin, 'none'] });
  const pinned = { model: 'claude-4-5-haiku' };
  const session = await mintSession(gateway.url, token.text, { origins: [site.origin], pinned });
  files['/session'] = JSON.stringify(session);
  page = await browser.page(site.origin);
  await page.route('**/bound-session', async (route) => {
    const cnf = route.request().postDataJSON() as object;
    const bound = await mintSession(gateway.url, token.text, { origins: [site.origin], pinned, cnf });
    await route.fulfill({ json: bound });
  });
});
afterAll(async () => {
  await browser.close();
  await Promise.all([site.close(), gateway.close()]);
});

/** The JavaScript of a Markdown file, below one of its headings. */
function snippetOf(file: string, heading: string, index = 0): string {
  const text = readFileSync(join(root, file), 'utf8').replaceAll(
    'https://my-gateway.example.com',
    gateway.url,
  );
  const section = text.slice(text.indexOf(`\n## ${heading}\n`)).split(/\n## /)[1] ?? '';
  const snippets = [...section.matchAll(/^```js\n([^]*?)^```$/gm)].map(([, code = '']) => code);
  const snippet = snippets[index];
  if (snippet === undefined) throw new Error(`${file} has no such snippet below "${heading}".`);
  return snippet;
}

/** The lines of the first snippet that make the client. */
const making = (): string => snippetOf('client/README.md', 'A question').split('\nconst answer')[0] ?? '';

/** What a module prints, in order. */
async function printedBy(code: string): Promise<string[]> {
  const printed: string[] = [];
  const end = Promise.withResolvers<void>();
  page.on('console', (message) => {
    if (message.text() === 'the end') end.resolve();
    else if (message.type() === 'log') printed.push(message.text());
  });
  page.once('pageerror', end.reject);
  await page.addScriptTag({ type: 'module', content: `${code}\nconsole.log('the end');` });
  await end.promise;
  page.removeAllListeners();
  return printed;
}

const question = 'You said: Why is the sky blue?';

describe('client/README.md', () => {
  it.each([
    ['A question', 0],
    ['A question', 1],
    ['With fetch', 0],
    ['With the OpenAI SDK', 0],
    ['Sessions that a thief cannot use', 0],
  ])('%s, %i: prints the words of the answer', async (heading, index) => {
    const code = snippetOf('client/README.md', heading, index);
    const printed = await printedBy(code.includes('createTollgate(') ? code : `${making()}\n${code}`);
    expect(printed.join('')).toContain(question);
    expect(printed.join('')).not.toContain('[object');
  });

  it('Errors: prints the code and the text of the gateway', async () => {
    const printed = await printedBy(`${making()}\n${snippetOf('client/README.md', 'Errors')}`);
    expect(printed).toEqual([expect.stringMatching(/^invalid_body: messages must/)]);
  });

  it('has no other snippets', () => {
    expect(readFileSync(join(root, 'client/README.md'), 'utf8').match(/^```js$/gm)).toHaveLength(6);
  });
});

describe('docs/clients.md', () => {
  it('prints the words of the answer, too', async () => {
    const imported = `import { createTollgate } from '@tollgate/client'; const url = '${gateway.url}';`;
    const session = snippetOf('docs/clients.md', 'A browser', 1);
    const printed = await printedBy(`${imported}\n${session.replace("'Hello'", "'Why is the sky blue?'")}`);
    expect(printed.join('')).toContain(question);
  });
});
