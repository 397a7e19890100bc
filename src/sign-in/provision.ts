import type { Clock } from '../base/clock.ts';
import { parseSettings } from '../identity/records/gateway-settings.ts';
import type { IdentityStore, RecordKey, Subject, Token, User } from '../identity/records/identity.ts';
import type { TrustedIssuer } from '../config/issuer.ts';
import type { StoredLimit } from '../base/limit.ts';
import { SignInRefusal } from './oauth-error.ts';
import { type Claims, userIdFor, verifiedEmail } from './rules.ts';

const maxAttempts = 5;

/** What an issuer's policy says of the token behind its sessions; its limits are each session's own. */
export type TokenPolicy = Pick<Token, 'models' | 'endpoints' | 'origins' | 'tools'>;

export interface Person {
  issuer: TrustedIssuer;
  subject: string;
  claims: Claims;
  team: string;
  policy: TokenPolicy;
}

export interface ProvisionerOptions {
  identities: IdentityStore;
  clock: Clock;
  /** A random name of letters and digits; never twice the same. */
  randomId: () => string;
}

/**
 * What the store knows a person's token by. It stands where other tokens have the hash of their text, and no text
 * has a hash of this form: nobody can present it.
 */
export function signInKey({ issuer, subject, team }: Pick<Person, 'issuer' | 'subject' | 'team'>): string {
  return `sign-in:${userIdFor(issuer.issuer, subject)}:${team}`;
}

/** Whether a user is this person's: made for them, or with their account. Pure. */
export function isUserOf({ id, subject = null }: User, { issuer, subject: sub }: Person): boolean {
  return id === userIdFor(issuer.issuer, sub) || isSame(subject, { issuer: issuer.issuer, sub });
}

/** Makes, the first time someone signs in, the user and the token that their sessions belong to. */
export class Provisioner {
  readonly #options: ProvisionerOptions;

  constructor(options: ProvisionerOptions) {
    this.#options = options;
  }

  /** The person's user and token, made where they are missing. Null once they are there. */
  async provide(person: Person): Promise<SignInRefusal | null> {
    const user = person.issuer.users === 'create' ? await this.#made(person) : await this.#known(person);
    if (user instanceof SignInRefusal) return user;
    const { identities, clock, randomId } = this.#options;
    const { team, issuer, policy } = person;
    const token: Token = {
      id: `tok_${randomId()}`,
      team,
      user,
      name: `sign-in with ${new URL(issuer.issuer).host}`,
      prefix: '',
      ...policy,
      limits: await this.#defaultLimits('token'),
      expires_at: null,
      revoked_at: null,
      created_at: new Date(clock.now()).toISOString(),
    };
    const binding = { secretHash: signInKey(person), user };
    const result = await identities.create(
      { kind: 'token', team, id: token.id },
      JSON.stringify(token),
      binding,
    );
    // Made by somebody else at the same moment: as good.
    return result === 'created' || result === 'exists' ? null : noTeam();
  }

  /** Brings the token's policy up to what the issuer's entry says now; its other fields are the administrator's. */
  async adjust({ team, policy }: Person, token: Token): Promise<void> {
    const key: RecordKey = { kind: 'token', team, id: token.id };
    const text = await this.#options.identities.read(key);
    if (text === null) return;
    // The text is this program's own, written as this type.
    const next = { ...(JSON.parse(text) as Token), ...policy };
    await this.#options.identities.replace(key, text, JSON.stringify(next));
  }

  /** Ends a token, with its sessions, whose user has another account by now. */
  async release({ team, id }: Token): Promise<void> {
    const key: RecordKey = { kind: 'token', team, id };
    const text = await this.#options.identities.read(key);
    if (text !== null) await this.#options.identities.replace(key, text, null);
  }

  async #made({ issuer, subject, claims, team }: Person): Promise<string | SignInRefusal> {
    const id = userIdFor(issuer.issuer, subject);
    const user: User = {
      id,
      team,
      name: null,
      email: verifiedEmail(claims),
      subject: { issuer: issuer.issuer, sub: subject },
      limits: await this.#defaultLimits('user'),
      created_at: new Date(this.#options.clock.now()).toISOString(),
    };
    const result = await this.#options.identities.create({ kind: 'user', team, id }, JSON.stringify(user));
    return result === 'no_team' ? noTeam() : id;
  }

  async #defaultLimits(kind: 'user' | 'token'): Promise<StoredLimit[]> {
    const { identities, randomId } = this.#options;
    const { defaults } = parseSettings(await identities.readSettings());
    return defaults[kind].map((limit) => ({ ...limit, id: randomId() }));
  }

  /** The user whose account this is, else the one with this verified address and no account yet, who gets it. */
  async #known(person: Person): Promise<string | SignInRefusal> {
    const { identities } = this.#options;
    const subject: Subject = { issuer: person.issuer.issuer, sub: person.subject };
    const email = verifiedEmail(person.claims)?.toLowerCase() ?? null;
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      const texts = await identities.list('user', person.team);
      const users = texts.map((text) => ({ text, user: JSON.parse(text) as User }));
      const own = users.find(({ user }) => isSame(user.subject ?? null, subject));
      if (own) return own.user.id;
      const named = users.filter(({ user }) => email !== null && user.email?.toLowerCase() === email);
      const [only, ...others] = named.filter(({ user }) => (user.subject ?? null) === null);
      if (!only || others.length > 0) return unknownPerson(named.length > 0);
      const key: RecordKey = { kind: 'user', team: person.team, id: only.user.id };
      const next = JSON.stringify({ ...only.user, subject });
      if ((await identities.replace(key, only.text, next)) === 'replaced') return only.user.id;
    }
    return new SignInRefusal(
      'temporarily_unavailable',
      'This user is being changed at this moment. Try again.',
    );
  }
}

function isSame(one: Subject | null, other: Subject): boolean {
  return one !== null && one.issuer === other.issuer && one.sub === other.sub;
}

function unknownPerson(addressTaken: boolean): SignInRefusal {
  const why = addressTaken
    ? 'The user with this e-mail address has another account at an issuer, or there are several.'
    : 'There is no user here for this account, by its subject or by a verified e-mail address.';
  return new SignInRefusal('invalid_request', `${why} Ask the operator of this gateway.`);
}

function noTeam(): SignInRefusal {
  return new SignInRefusal(
    'access_denied',
    'The team of this account is not there any more. Ask the operator.',
  );
}
