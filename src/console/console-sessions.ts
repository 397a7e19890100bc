import type { ActorCheck } from '../access/actor-check.ts';
import type { Authenticator } from '../access/authenticator.ts';
import type { AuthThrottle } from '../access/auth-throttle.ts';
import type { Sender } from '../base/client-address.ts';
import { Refusal } from '../base/refusal.ts';
import { hashToken, inspectToken } from '../identity/records/token-text.ts';
import type { AdministratorStore } from '../identity/store/administrator-store.ts';
import { cookieOf, newSecret, noCookie, secretIn, type SessionSecret } from './cookie.ts';
import {
  type AdminKeys,
  administratorHolder,
  type Holder,
  rootHolder,
  sealOfAdministrator,
  sealOfKey,
  sealOfToken,
  tokenHolder,
} from './holder.ts';
import type { OidcHolders } from './oidc-holders.ts';
import { changed, ended } from './session-ended.ts';
import { type ConsoleSession, type ConsoleSessionStore, longestMs } from './session-store.ts';
import type { Who } from './who.ts';

export interface Visitor {
  who: Who;
  session: ConsoleSession;
  secretHash: string;
}

/** A session that was just opened, and the cookie that keeps it. */
export interface SignedIn {
  visitor: Visitor;
  setCookie: string;
}

/** The headers of a request that matter here. */
export interface VisitorHeaders {
  cookie?: string | undefined;
  'user-agent'?: string | undefined;
}

export interface ConsoleSessionsParts extends AdminKeys {
  store: ConsoleSessionStore;
  administrators: Pick<AdministratorStore, 'resolve'>;
  authenticator: Pick<Authenticator, 'authenticate' | 'refresh'>;
  /** Checks the credential of an administrator, at sign-in. */
  authorize: ActorCheck;
  throttle: AuthThrottle;
  /** Who signed in with an OpenID provider. */
  oidc: Pick<OidcHolders, 'whoIs'>;
}

const mostOfBrowser = 200;

/** Signs people in to the console, and finds out who they are at each request. Methods reject with `StoreUnavailable`. */
export class ConsoleSessions {
  readonly #parts: ConsoleSessionsParts;
  readonly #rootSeals: ReadonlyMap<string, 'current' | 'previous'>;

  constructor(parts: ConsoleSessionsParts) {
    this.#parts = parts;
    const { adminKey, previousAdminKey: previous } = parts;
    this.#rootSeals = new Map([
      ...(previous === null ? [] : [[sealOfKey(previous), 'previous'] as const]),
      [sealOfKey(adminKey), 'current'],
    ]);
  }

  /** Opens a session for the holder of ADMIN_KEY, of an administrator's token or of a user's. */
  async signIn(credential: string, headers: VisitorHeaders, sender: Sender): Promise<SignedIn | Refusal> {
    const holder = await this.#holderOf(credential, sender);
    return holder instanceof Refusal ? holder : this.open(holder, headers);
  }

  /** Opens a session for a holder that is known. The one that the browser had ends: nobody's session is handed on. */
  async open(holder: Holder, headers: VisitorHeaders): Promise<SignedIn | Refusal> {
    const { store } = this.#parts;
    const known = await this.#known(holder);
    if (known instanceof Refusal) return known;
    const before = secretIn(headers.cookie);
    const secret = newSecret();
    const browser = (headers['user-agent'] ?? '').slice(0, mostOfBrowser);
    const endsAtMs = await store.open(secret.hash, { holder, browser });
    if (before) await this.#end(before.hash);
    const session = { holder, hasEnded: false, openedAtMs: endsAtMs - longestMs, endsAtMs };
    return {
      visitor: { who: known, session, secretHash: secret.hash },
      setCookie: cookieOf(secret, longestMs),
    };
  }

  /** Who sent a request; a refusal if its session has ended, or if there was none. */
  async visitor(headers: VisitorHeaders, sender: Sender): Promise<Visitor | Refusal> {
    const secret = secretIn(headers.cookie);
    if (secret === null) return signedOut();
    return this.#parts.throttle.guard(sender, () => this.#find(secret));
  }

  /** Ends the session of a request, if there is one. Returns the cookie that forgets it. */
  async signOut(headers: VisitorHeaders): Promise<string> {
    const secret = secretIn(headers.cookie);
    if (secret) await this.#end(secret.hash);
    return noCookie;
  }

  async #find({ hash: secretHash }: SessionSecret): Promise<Visitor | Refusal> {
    const { store } = this.#parts;
    const session = await store.use(secretHash);
    if (session === null) return ended();
    const who = await this.#known(session.holder);
    if (who instanceof Refusal) {
      // A suspension may end; the rest is for good. A page has several requests on their way: each is told why.
      if (who.status === 401) await store.end(secretHash, session.holder, { note: true });
      return who;
    }
    // What it had changed from is back, but nobody is signed in by that.
    return session.hasEnded ? ended() : { who, session, secretHash };
  }

  async #end(secretHash: string): Promise<void> {
    const { store } = this.#parts;
    const session = await store.use(secretHash);
    if (session) await store.end(secretHash, session.holder);
  }

  async #holderOf(credential: string, sender: Sender): Promise<Holder | Refusal> {
    const { authenticator, authorize } = this.#parts;
    const headers = { authorization: `Bearer ${credential}`, 'x-forwarded-for': sender.forwardedFor };
    const inspected = inspectToken(credential);
    if (inspected.ok && inspected.kind === 'session') return notForSessions();
    if (inspected.ok && inspected.kind === 'user') {
      const caller = await authenticator.authenticate(headers, { remoteAddress: sender.peer });
      if (caller instanceof Refusal) return caller;
      const { identity, credential: known } = caller.principal;
      return tokenHolder(identity.token, known.secretHash);
    }
    const actor = await authorize(headers, sender.peer);
    if (actor instanceof Refusal) return actor.code === 'invalid_token' && !inspected.ok ? unknown() : actor;
    if (actor.kind === 'root') return rootHolder(actor.key, this.#parts);
    const secretHash = hashToken(credential);
    const { administrator } = await this.#parts.administrators.resolve(secretHash);
    return administrator === null ? ended() : administratorHolder(administrator, secretHash);
  }

  /** Who a holder is now; a refusal if it has ended or changed since it signed in. */
  async #known(holder: Holder): Promise<Who | Refusal> {
    switch (holder.kind) {
      case 'root': {
        const key = this.#rootSeals.get(holder.seal);
        if (key === undefined) return changed('ADMIN_KEY');
        return { kind: 'administrator', actor: { kind: 'root', key }, name: null };
      }
      case 'administrator': {
        const { administrator, nowMs } = await this.#parts.administrators.resolve(holder.secretHash);
        if (administrator === null || administrator.id !== holder.id) return changed('Your administrator');
        const { id, name, role, teams, expires_at: end } = administrator;
        if (end !== null && nowMs >= Date.parse(end)) return ended();
        if (sealOfAdministrator(administrator) !== holder.seal) return changed('Your administrator');
        return { kind: 'administrator', actor: { kind: 'administrator', id, role, teams }, name };
      }
      case 'token': {
        const caller = await this.#parts.authenticator.refresh({
          secretHash: holder.secretHash,
          session: null,
        });
        if (caller instanceof Refusal) return caller;
        const { token } = caller.principal.identity;
        return sealOfToken(token) === holder.seal ? { kind: 'token', caller } : changed('Your token');
      }
      case 'oidc':
        return this.#parts.oidc.whoIs(holder);
    }
  }
}

function unknown(): Refusal {
  const message =
    'This is neither ADMIN_KEY nor a token of this gateway. A token begins with tgk_ or tga_; copy it whole.';
  return new Refusal('invalid_token', message);
}

function signedOut(): Refusal {
  return new Refusal('missing_token', 'You are not signed in to the console.');
}

function notForSessions(): Refusal {
  const message =
    'This is the token of a session (tgs_…), which is for a page. Sign in with a token that begins with tgk_ or tga_, or with ADMIN_KEY.';
  return new Refusal('role_not_allowed', message);
}
