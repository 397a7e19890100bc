import { cookieIn, type ConsoleSession, sessionWith } from './console-session.ts';
import type { OidcIssuer } from './oidc-issuer.ts';

/** What a browser has when a provider sends it back. */
export interface Returning {
  callback: URL;
  /** Of the sign-in under way. */
  cookie: string;
}

interface Ended {
  /** Null: there is none. */
  session: ConsoleSession | null;
  /** What the console's page says went wrong. */
  problem: string | null;
  response: Response;
}

/** Signs people in to the console of a gateway as their browsers do, without one. */
export class OidcVisitor {
  readonly #gateway: string;

  constructor(gateway: string) {
    this.#gateway = gateway;
  }

  /** What the page knows when it opens. */
  async boot(cookie = ''): Promise<{ problem: string | null; issuers: { label: string; href: string }[] }> {
    const html = await (await fetch(`${this.#gateway}/console`, { headers: { cookie } })).text();
    const [, json = '{}'] = /id="boot">([^<]*)</.exec(html) ?? [];
    return JSON.parse(json) as Awaited<ReturnType<OidcVisitor['boot']>>;
  }

  /** Presses the button of a provider. */
  async press(label: string, headers: Record<string, string> = {}): Promise<Response> {
    const { issuers } = await this.boot();
    const href = issuers.find((each) => each.label === label)?.href ?? '/console/sign-in/none';
    return fetch(this.#gateway + href, {
      redirect: 'manual',
      headers: { 'sec-fetch-site': 'same-origin', ...headers },
    });
  }

  /** Goes to a provider and comes back, signed in there. */
  async goThere(label: string): Promise<Returning> {
    const begun = await this.press(label);
    const answer = await fetch(begun.headers.get('location') ?? '', { redirect: 'manual' });
    const callback = answer.headers.get('location');
    if (callback === null) throw new Error(`the provider answered ${answer.status}: ${await answer.text()}`);
    return { callback: new URL(callback), cookie: cookieIn(begun) };
  }

  /** Comes back. */
  async end({ callback, cookie }: Returning, headers: Record<string, string> = {}): Promise<Ended> {
    const response = await fetch(this.#gateway + callback.pathname + callback.search, {
      redirect: 'manual',
      headers: { cookie, 'sec-fetch-site': 'cross-site', ...headers },
    });
    const set = cookieIn(response);
    const isIn = set.startsWith('__Host-tollgate=');
    return {
      response,
      session: isIn ? sessionWith(this.#gateway, set) : null,
      problem: isIn ? null : (await this.boot(set)).problem,
    };
  }

  /** All of it, as the person of these claims. */
  async signIn(provider: OidcIssuer, label: string, claims: Record<string, unknown>): Promise<Ended> {
    provider.codeFlow.claims = claims;
    return this.end(await this.goThere(label));
  }
}
