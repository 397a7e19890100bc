import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { escaped } from '../base/html.ts';

/* The small pages of the gateway: one style and one script, which stand in the page itself. */

const style = source('page.css');
const script = source('page.js');

/**
 * Their Content-Security-Policy: this style and this script, by their hashes, and nothing else. No text becomes script
 * (Trusted Types). `formAction`: where a form may post.
 */
export function pagePolicy(formAction: "'none'" | "'self'"): string {
  return [
    "default-src 'none'",
    `style-src '${sha256(style)}'`,
    `script-src '${sha256(script)}'`,
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
    `form-action ${formAction}`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

/** A page; `title` and `content` are HTML. */
export function pageHtml({ title, head = '', content }: PageParts): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${head}<title>${title}</title>
<style>${style}</style>
<main>
<h1>${title}</h1>
${content}
</main>
<script type="module">${script}</script>
</html>
`;
}

interface PageParts {
  title: string;
  head?: string;
  content: string;
}

/** Text to copy; `name` says what it is, as in "Copy the token". */
export function blockHtml(text: string, name: string): string {
  const label = escaped(name);
  return `<div class="block"><pre tabindex="0" role="region" aria-label="${label}" data-copy="${label}">${escaped(text)}</pre></div>`;
}

/** A time that a person can read: in UTC, and in the viewer's zone once the script has run. */
export function timeHtml(atMs: number): string {
  const at = new Date(atMs);
  // Made at the first page: a formatter takes 30 ms of a start.
  readable ??= new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' });
  return `<time datetime="${at.toISOString()}">${readable.format(at)} UTC</time>`;
}

let readable: Intl.DateTimeFormat | undefined;

function source(name: string): string {
  return readFileSync(new URL(`../../pages/${name}`, import.meta.url), 'utf8');
}

function sha256(text: string): string {
  return `sha256-${hash('sha256', text, 'base64')}`;
}
