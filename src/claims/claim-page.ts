import { hash } from 'node:crypto';
import type { ClaimedToken } from './claim-links.ts';
import { escaped } from '../base/html.ts';

const style = `
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 42rem; margin: 3rem auto; padding: 0 1rem; }
  code, pre { background: #f4f4f5; border-radius: 6px; padding: .1rem .3rem; }
  pre { padding: 1rem; white-space: pre-wrap; overflow-wrap: anywhere; user-select: all; }
  button { font: inherit; padding: .5rem 1rem; cursor: pointer; }
`;

/**
 * The headers of the pages: no script, nothing loaded, a form that posts only here. No cache keeps them, no search
 * engine finds them, and no other site learns of them.
 */
export const claimHeaders: Readonly<Record<string, string>> = {
  'content-security-policy': `default-src 'none'; style-src 'sha256-${hash('sha256', style, 'base64')}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
  'x-robots-tag': 'noindex, nofollow, noarchive',
};

/** The first page of a link. It gives nothing away, so a preview does not either. */
export function waitingPage(expiresAtMs: number): string {
  return page(
    'A token is waiting for you',
    `<p>The administrator of this gateway made a token for you. It is shown <strong>once</strong>: have the place ready
where you keep secrets. The link works until ${new Date(expiresAtMs).toISOString()}.</p>
<form method="post"><button type="submit">Show the token</button></form>`,
  );
}

/** The token. `origin` is the gateway's address. */
export function tokenPage({ id, token, team, user }: ClaimedToken, origin: string): string {
  return page(
    'Your token',
    `<p>Copy it now. It is not shown again: this link is used up.</p>
<pre id="token">${escaped(token)}</pre>
<p>It is the token <code>${escaped(id)}</code> of the user <code>${escaped(user)}</code> in the team
<code>${escaped(team)}</code>. Send it as <code>Authorization: Bearer …</code>; this tells what is left of its limits:</p>
<pre>curl ${escaped(origin)}/v1/me -H "Authorization: Bearer $TOKEN"</pre>`,
  );
}

/** Why there is no token, and what to do. */
export function refusedPage(message: string): string {
  return page('There is no token to show', `<p>${escaped(message)}</p>`);
}

function page(title: string, content: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex, nofollow">
<title>${title}</title>
<style>${style}</style>
<h1>${title}</h1>
${content}
</html>
`;
}
