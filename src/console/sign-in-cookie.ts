import { z } from 'zod';
import type { Clock } from '../base/clock.ts';
import { parsedJson } from '../base/request.ts';
import { seal, unseal } from '../base/sealed.ts';
import { cookieNamed } from './cookie.ts';
import { HourlySecrets } from '../store/hourly-secrets.ts';

/*
 * The cookie of a sign-in with an OpenID provider that is under way, or of why it failed. Nothing of it is in the store, so
 * strangers who begin sign-ins take no room. It is sealed: the browser is not to know the code verifier, and nobody else
 * made it. SameSite=Lax, for the provider's redirect must carry it; it opens nothing by itself.
 */
const name = '__Host-tollgate-sign-in';
const attributes = 'Path=/; Secure; HttpOnly; SameSite=Lax';
const purpose = 'tollgate console sign-in';

/** How long a person may take at the provider. */
const livesMs = 600_000;
const problemLivesS = 60;
const mostOfProblem = 600;

const begun = z.object({
  /** Which of the console's providers, by its id. */
  provider: z.string(),
  state: z.string(),
  nonce: z.string(),
  /** PKCE's: RFC 7636, 4.1. */
  verifier: z.string(),
  redirectUri: z.string(),
});

/** What the gateway must remember of a sign-in until the provider sends the browser back. */
export type BegunSignIn = z.infer<typeof begun>;

/** Keeps sign-ins under way in the browser. Methods reject with `StoreUnavailable`. */
export class SignInCookie {
  readonly #keys: Pick<HourlySecrets, 'of'>;
  readonly #clock: Clock;

  constructor(keys: Pick<HourlySecrets, 'of'>, clock: Clock) {
    this.#keys = keys;
    this.#clock = clock;
  }

  /** The `Set-Cookie` that keeps a sign-in. A later one takes its place. */
  async keep(signIn: BegunSignIn): Promise<string> {
    const nowMs = this.#clock.now();
    const hour = HourlySecrets.hourAt(nowMs);
    const text = JSON.stringify({ ...signIn, untilMs: nowMs + livesMs });
    const sealed = seal({ secret: await this.#keys.of(hour), purpose }, text);
    return setCookie(`b.${hour}.${sealed}`, livesMs / 1_000);
  }

  /** The sign-in that a browser has under way; null if there is none, or it took too long. */
  async kept(cookies: string | undefined): Promise<BegunSignIn | null> {
    const [, hour, sealed] = /^b\.(\d{1,12})\.([\w-]+)$/.exec(cookieNamed(name, cookies) ?? '') ?? [];
    if (hour === undefined || sealed === undefined) return null;
    const nowMs = this.#clock.now();
    // Only these have a key, or strangers could have any number of them made.
    if (Math.abs(HourlySecrets.hourAt(nowMs) - Number(hour)) > 1) return null;
    const text = opened({ secret: await this.#keys.of(Number(hour)), purpose }, sealed);
    const read = begun.extend({ untilMs: z.number() }).safeParse(text);
    return read.success && nowMs < read.data.untilMs ? read.data : null;
  }
}

function opened(secret: { secret: string; purpose: string }, sealed: string): unknown {
  try {
    return parsedJson(unseal(secret, sealed));
  } catch {
    return null;
  }
}

/** The `Set-Cookie` that tells the page why a sign-in failed; the sign-in is over. No other site can set this cookie. */
export function problemCookie(message: string): string {
  return setCookie(`p.${Buffer.from(message.slice(0, mostOfProblem)).toString('base64url')}`, problemLivesS);
}

/** Why the sign-in before failed; null if none did. */
export function problemIn(cookies: string | undefined): string | null {
  const [, text] = /^p\.([\w-]+)$/.exec(cookieNamed(name, cookies) ?? '') ?? [];
  return text === undefined ? null : Buffer.from(text, 'base64url').toString('utf8');
}

/** The `Set-Cookie` that forgets it. */
export const noSignInCookie = setCookie('', 0);

function setCookie(value: string, livesS: number): string {
  return `${name}=${value}; Max-Age=${livesS}; ${attributes}`;
}
