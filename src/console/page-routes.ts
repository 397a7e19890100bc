import { z } from 'zod';
import { escaped } from '../base/html.ts';
import { Refusal } from '../base/refusal.ts';
import type { Answers, Reply, TextReply } from '../edge/answers.ts';
import { htmlReply } from '../edge/answers.ts';
import type { Call } from '../edge/call.ts';
import type { Route } from '../edge/route.ts';
import { staticReply } from '../edge/static-file.ts';
import { version } from '../operations/version.ts';
import { StoreUnavailable } from '../store/store-unavailable.ts';
import { type ConsoleAssets, consoleAssets } from './assets.ts';
import type { ConsoleSessions } from './console-sessions.ts';
import type { OidcClient } from './oidc-client.ts';
import { signInPath } from './oidc-routes.ts';
import { type SessionResponse, sessionOf } from './session-routes.ts';
import { noSignInCookie, problemIn } from './sign-in-cookie.ts';

/**
 * The headers of the page: only its own script and style, which no text can become (Trusted Types); nothing from elsewhere,
 * no frame around it, no window that opened it.
 */
const pageHeaders: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data: blob:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'cache-control': 'no-store',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=(), payment=()',
};

const icon =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' rx='4' fill='%235b45c9'/%3E%3Cpath d='M4 5h8M8 5v7' stroke='white' stroke-width='2' stroke-linecap='round'/%3E%3C/svg%3E";

/** What the page knows when it opens, so that it need not ask. */
export interface Boot {
  session: SessionResponse | null;
  version: string;
  /** Why it is not known who is signed in; null if it is. */
  problem: string | null;
  /** Another site led here, so the request had no cookie of a session (SameSite=Strict): ask once more from the page. */
  isFromElsewhere: boolean;
  /** The OpenID providers that one may sign in with. */
  issuers: readonly { label: string; href: string }[];
}

export interface ConsolePageDeps {
  sessions: ConsoleSessions;
  answers: Answers;
  clients: readonly Pick<OidcClient, 'id' | 'label'>[];
}

/** `/console`: the page, and the two files that it needs. Where in it one is, the fragment says. */
export function consolePageRoutes({ sessions, answers, clients }: ConsolePageDeps): Route[] {
  const issuers = clients.map(({ id, label }) => ({ label, href: signInPath + id }));

  async function page(call: Call): Promise<Reply> {
    const { cookie, 'sec-fetch-site': site } = call.incoming.headers;
    const isFromElsewhere = site !== 'same-origin' && site !== 'none';
    const [assets, known] = await Promise.all([consoleAssets(), bootOf(call)]);
    const boot = { ...known, version, isFromElsewhere, issuers };
    const failed = problemIn(cookie); // a sign-in with a provider
    if (failed === null) return htmlReply(pageHtml(boot, assets), pageHeaders);
    const told = { ...boot, problem: boot.session ? null : failed };
    return htmlReply(pageHtml(told, assets), { ...pageHeaders, 'set-cookie': noSignInCookie });
  }

  async function bootOf(call: Call): Promise<Pick<Boot, 'session' | 'problem'>> {
    try {
      const visitor = await sessions.visitor(call.incoming.headers, call.sender);
      if (!(visitor instanceof Refusal)) return { session: sessionOf(visitor), problem: null };
      const isQuiet = visitor.code === 'missing_token';
      return { session: null, problem: isQuiet ? null : visitor.message };
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      return { session: null, problem: answers.refusalFor(error).message };
    }
  }

  async function asset(call: Call): Promise<TextReply | Refusal> {
    const { script, style } = await consoleAssets();
    const name = call.path.slice(assetsPath.length);
    const file = [script, style].find((each) => each.name === name);
    if (file) return staticReply(file, call.incoming.headers['accept-encoding']);
    return new Refusal(
      'not_found',
      'There is no such file: the gateway may have been updated. Load the page again.',
    );
  }

  const html = { status: 200, content: { 'text/html': z.string() } } as const;
  const anything = { status: 200, content: { 'text/javascript': z.string() } } as const;
  return [
    {
      path: '/console',
      methods: {
        GET: {
          docs: { summary: 'Open the console', query: 'ignored', answer: html },
          access: 'anyone',
          handle: answers.replying(page),
        },
      },
    },
    {
      path: `${assetsPath}:file`,
      methods: {
        GET: {
          docs: { summary: 'A file of the console', query: 'ignored', answer: anything },
          access: 'anyone',
          handle: answers.replying(asset),
        },
      },
    },
  ];
}

const assetsPath = '/console/assets/';

function pageHtml(boot: Boot, { script, style }: ConsoleAssets): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Tollgate</title>
<link rel="icon" href="${escaped(icon)}">
<link rel="stylesheet" href="${assetsPath}${style.name}">
<script type="application/json" id="boot">${JSON.stringify(boot).replaceAll('<', String.raw`\u003c`)}</script>
<script defer src="${assetsPath}${script.name}"></script>
<body>
<div id="console"></div>
<noscript><p>The console needs JavaScript. Without it, use the command line or the API: <a href="/docs">/docs</a>.</p></noscript>
</html>
`;
}
