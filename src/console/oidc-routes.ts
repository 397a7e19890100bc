import { z } from 'zod';
import type { AuthThrottle } from '../access/auth-throttle.ts';
import type { OperationDocs } from '../base/operation-docs.ts';
import { Refusal } from '../base/refusal.ts';
import { consoleCallbackPath } from '../config/issuer.ts';
import type { Answers, Reply, TextReply } from '../edge/answers.ts';
import type { Call } from '../edge/call.ts';
import type { Route } from '../edge/route.ts';
import type { Log } from '../observability/log.ts';
import { StoreUnavailable } from '../store/store-unavailable.ts';
import type { ConsoleSessions, SignedIn } from './console-sessions.ts';
import type { OidcClient } from './oidc-client.ts';
import type { OidcHolders } from './oidc-holders.ts';
import { foreignRequest } from './own-request.ts';
import { notThisSignIn, ProviderTrouble } from './provider-trouble.ts';
import { noSignInCookie, problemCookie, type SignInCookie } from './sign-in-cookie.ts';

export const signInPath = '/console/sign-in/';

export interface OidcRoutesDeps {
  clients: readonly OidcClient[];
  cookie: SignInCookie;
  holders: Pick<OidcHolders, 'holderOf'>;
  sessions: Pick<ConsoleSessions, 'open'>;
  throttle: Pick<AuthThrottle, 'guard'>;
  answers: Answers;
  /** The gateway's address as a request's Host names it. */
  origin: (host: string | undefined) => string;
  log: Pick<Log, 'info' | 'warn'>;
}

const seeOther = { status: 303, content: { 'text/plain': z.string() } } as const;
const docs = {
  begin: { summary: 'Sign in to the console with an OpenID provider', query: 'ignored', answer: seeOther },
  finish: { summary: 'Where a provider sends the browser back to', query: 'ignored', answer: seeOther },
} satisfies Record<string, OperationDocs>;

/**
 * Sign-in with an OpenID provider: `GET /console/sign-in/:issuer` sends the browser there, and `GET /console/callback` opens
 * a session when it comes back. Both end at `/console`, which says what went wrong. No text of a request is repeated.
 */
export function oidcRoutes({ clients, cookie, holders, sessions, ...deps }: OidcRoutesDeps): Route[] {
  const { throttle, answers, origin, log } = deps;
  const clientOf = new Map(clients.map((client) => [client.id, client]));

  async function begin(call: Call): Promise<Reply> {
    const client = clientOf.get(call.path.slice(signInPath.length));
    // Another site may not send people into a sign-in that they did not ask for.
    if (client === undefined || foreignRequest(call.incoming)) return goTo('/console');
    return safely(call, async () => {
      const { url, begun } = await client.begin(origin(call.incoming.headers.host) + consoleCallbackPath);
      return goTo(url, await cookie.keep(begun));
    });
  }

  async function finish(call: Call): Promise<Reply> {
    return safely(call, async () => {
      // Codes of strangers must not become a flood at the provider.
      const signedIn = await throttle.guard(call.sender, () => signIn(call));
      if (signedIn instanceof Refusal) {
        return { ...goTo('/console', problemCookie(signedIn.message)), code: signedIn.code };
      }
      return goTo('/console', [signedIn.setCookie, noSignInCookie]);
    });
  }

  async function signIn(call: Call): Promise<SignedIn | Refusal> {
    const { headers, url = '' } = call.incoming;
    const begun = await cookie.kept(headers.cookie);
    const client = begun && clientOf.get(begun.provider);
    if (!client) return notThisSignIn();
    const [, query = ''] = url.split('?', 2);
    const verified = await client.finish(begun, new URLSearchParams(query));
    if (verified instanceof Refusal) return verified;
    const holder = await holders.holderOf(verified, call);
    if (holder instanceof Refusal) return holder;
    const signedIn = await sessions.open(holder, headers);
    if (!(signedIn instanceof Refusal)) {
      const { id, issuer, subject, as } = holder;
      const role = as.kind === 'administrator' ? as.role : 'holder';
      // The audit trail knows the person by this id only.
      log.info('somebody signed in to the console', { id, issuer, subject, role });
    }
    return signedIn;
  }

  /** Whatever goes wrong is told by the console's own page. */
  async function safely(call: Call, work: () => Promise<Reply>): Promise<Reply> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof ProviderTrouble) {
        log.warn('a sign-in to the console failed at the provider', {
          path: call.path,
          reason: error.reason,
        });
        return goTo('/console', problemCookie(error.told));
      }
      if (!(error instanceof StoreUnavailable)) throw error;
      return goTo('/console', problemCookie(answers.refusalFor(error).message));
    }
  }

  return [
    {
      path: `${signInPath}:issuer`,
      methods: { GET: { docs: docs.begin, access: 'anyone', handle: answers.replying(begin) } },
    },
    {
      path: consoleCallbackPath,
      methods: { GET: { docs: docs.finish, access: 'anyone', handle: answers.replying(finish) } },
    },
  ];
}

function goTo(location: string, setCookie: string | string[] = []): TextReply {
  const headers = { location, 'cache-control': 'no-store', 'content-type': 'text/plain' };
  return { status: 303, text: '', headers: { ...headers, 'set-cookie': setCookie } };
}
