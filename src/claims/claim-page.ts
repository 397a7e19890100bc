import { escaped } from '../base/html.ts';
import type { Refusal } from '../base/refusal.ts';
import { shellWord } from '../base/shell-word.ts';
import { blockHtml, pageHtml, pagePolicy, timeHtml } from '../edge/page.ts';
import type { ClaimedToken } from './claim-links.ts';
import { firstCalls, type Snippet, tokenVariable, type TokenUse } from './first-calls.ts';

/**
 * The headers of the pages: a form posts only here, no cache keeps them, no search engine finds them, and no other site
 * learns of them.
 */
export const claimHeaders: Readonly<Record<string, string>> = {
  'content-security-policy': pagePolicy("'self'"),
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
  'x-robots-tag': 'noindex, nofollow, noarchive',
};

/** The first page of a link. It gives nothing away, so a preview does not either. */
export function waitingPage(expiresAtMs: number): string {
  return page(
    'A token is waiting for you',
    `<p>The administrator of this gateway made a token for you. It is shown <strong>once</strong>: have the place ready
where you keep secrets. The link works until ${timeHtml(expiresAtMs)}.</p>
<form method="post"><p><button class="primary" type="submit">Show the token</button></p></form>`,
  );
}

/** The token. `origin` is the gateway's address; `use` is what the token may use, or why that cannot be told. */
export function tokenPage(
  { id, token, team, user }: ClaimedToken,
  { origin, use }: { origin: string; use: TokenUse | Refusal },
): string {
  return page(
    'Your token',
    `<p>Copy it now. It is not shown again: this link is used up.</p>
<div class="block"><pre id="token" class="secret" tabindex="0" role="region" aria-label="the token" data-copy="the token">${escaped(token)}</pre></div>
<p>It is the token ${code(id)} of the user ${code(user)} in the team ${code(team)}. Send it as
<code>Authorization: Bearer …</code>, or give it to an SDK as its API key.</p>
${'models' in use ? useHtml(token, origin, use) : `<p class="warning">${escaped(use.message)}</p>`}
<h2>Where to go next</h2>
<p><a href="/console">Your own page</a> shows what is left of your limits and what you have used; sign in with this
token. <a href="/docs">The API</a> describes every operation.</p>`,
  );
}

/** Why there is no token, and what to do. */
export function refusedPage(message: string): string {
  return page('There is no token to show', `<p>${withTimes(message)}</p>`);
}

function useHtml(token: string, origin: string, use: TokenUse): string {
  const models = use.models.map(({ id }) => code(id)).join(', ');
  return `<dl>
<dt>Base URL, OpenAI SDK</dt><dd>${code(`${origin}/v1`)}</dd>
<dt>Base URL, Anthropic SDK</dt><dd>${code(origin)}</dd>
<dt>Models</dt><dd>${models === '' ? 'none' : models}</dd>
</dl>
<h2>A first call</h2>
${use.onlyFrom === null ? callsHtml(token, firstCalls(origin, use)) : pagesOnlyHtml(use.onlyFrom)}`;
}

function callsHtml(token: string, snippets: readonly Snippet[]): string {
  const details = snippets.map(
    ({ title, text }, index) =>
      `<details${index === 0 ? ' open' : ''}><summary>${escaped(title)}</summary>${blockHtml(text, `the code: ${title}`)}</details>`,
  );
  return `<p>Put the token into the environment of your shell. Most shells leave a line that begins with a space out of
their history.</p>
${blockHtml(` export ${tokenVariable}=${shellWord(token)}`, 'the command that sets the token')}
<p>Then call it:</p>
${details.join('\n')}`;
}

function pagesOnlyHtml(origins: readonly string[]): string {
  const listed = origins.map(code).join(', ');
  return `<p>The token is for web pages only${listed === '' ? '' : `, those of ${listed}`}. Other programs are refused.</p>`;
}

/** Times of a message in a form that a person can read. */
function withTimes(message: string): string {
  return escaped(message).replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, (time) =>
    timeHtml(Date.parse(time)),
  );
}

function code(text: string): string {
  return `<code>${escaped(text)}</code>`;
}

function page(title: string, content: string): string {
  return pageHtml({ title, head: '<meta name="robots" content="noindex, nofollow">\n', content });
}
