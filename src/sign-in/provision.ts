import { email as emailField } from '../base/fields.ts';
import type { SessionProof } from '../base/session-proof.ts';
import { Refusal } from '../base/refusal.ts';
import type { TrustedIssuer } from '../config/issuer.ts';
import { changeToken } from '../identity/operations/change.ts';
import { createToken, createUser } from '../identity/operations/create.ts';
import {
  changeRecord,
  deleteRecord,
  type IdentityDeps,
  parseRecord,
} from '../identity/operations/records.ts';
import {
  type Subject,
  subject as subjectFields,
  type Token,
  type UnsharedField,
  type User,
} from '../identity/records/identity.ts';
import { isSameEmail } from '../identity/records/unshared.ts';
import { invalidRequest, SignInRefusal } from './oauth-error.ts';
import { userIdFor } from '../identity/records/end-user.ts';
import { type Claims, verifiedEmail } from './rules.ts';

/* The user and the token that the sessions of a sign-in belong to. They are created when someone first signs in. */

const maxAttempts = 5;
const maxNameLength = 200;

/** What an issuer's entry says about the token behind its sessions. Limits belong to each session. */
export interface TokenPolicy extends Pick<
  Token,
  'models' | 'endpoints' | 'origins' | 'tools' | 'tags' | 'request_tags'
> {
  session_proof: SessionProof | null;
}

export interface Person {
  issuer: TrustedIssuer;
  subject: string;
  claims: Claims;
  team: string;
  policy: TokenPolicy;
}

/**
 * What the store knows a person's token by, instead of the hash of a text. No hash has this form, so nobody can
 * present a credential for the token.
 */
export function signInKey({ issuer, subject, team }: Pick<Person, 'issuer' | 'subject' | 'team'>): string {
  return `sign-in:${userIdFor(issuer.issuer, subject)}:${team}`;
}

/** Whether a user is this person: created for them, or linked to their account. Pure. */
export function isUserOf(
  { id, subject = null }: User,
  { issuer, subject: sub }: Pick<Person, 'issuer' | 'subject'>,
): boolean {
  return id === userIdFor(issuer.issuer, sub) || isSame(subject, { issuer: issuer.issuer, sub });
}

/** Makes sure that the person's user and token exist. Null if they do. */
export async function provide(deps: IdentityDeps, person: Person): Promise<SignInRefusal | null> {
  const { issuer, team, policy } = person;
  if (!isStorable(person)) {
    return invalidRequest(
      'The sub claim of this account cannot be stored here. Ask the operator of this gateway.',
    );
  }
  const user = issuer.users === 'create' ? await createdUser(deps, person) : await knownUser(deps, person);
  if (user instanceof SignInRefusal) return user;
  const name = `sign-in with ${new URL(issuer.issuer).host}`.slice(0, maxNameLength);
  const asked = { user, name, ...policy };
  const token = await createToken(deps, team, asked, { secretHash: signInKey(person), prefix: '' });
  return token instanceof Refusal ? refusalOf(token) : null;
}

/** Sets the token's policy to what the issuer's entry says now. Its other fields belong to the administrator. */
export function adjust(
  deps: IdentityDeps,
  { policy }: Person,
  { team, id }: Token,
): Promise<Token | Refusal> {
  return changeToken(deps, { kind: 'token', team, id }, policy);
}

/** Deletes a token, and so its sessions, because its user has another account by now. Null once it is gone. */
export async function release(deps: IdentityDeps, { team, id }: Token): Promise<Refusal | null> {
  const refusal = await deleteRecord(deps, { kind: 'token', team, id });
  return refusal?.code === 'not_found' ? null : refusal;
}

async function createdUser(
  deps: IdentityDeps,
  { issuer, subject, claims, team }: Person,
): Promise<string | SignInRefusal> {
  const id = userIdFor(issuer.issuer, subject);
  const own: Subject = { issuer: issuer.issuer, sub: subject };
  const create = (email: string | null): Promise<User | Refusal> =>
    createUser(deps, team, { id, email, subject: own });
  const email = verifiedEmail(claims);
  let user = await create(emailField.safeParse(email).success ? email : null);
  // The account alone says who this is; an address that another user has is left to that one.
  if (isTaken(user, 'email')) user = await create(null);
  // An administrator has given the account to another user.
  if (isTaken(user, 'subject')) return (await userOf(deps, team, own))?.id ?? beingChanged();
  return (user instanceof Refusal ? refusalOf(user) : null) ?? id;
}

async function userOf(deps: IdentityDeps, team: string, subject: Subject): Promise<User | undefined> {
  const users = (await deps.identities.list('user', team)).map((text) => parseRecord('user', text));
  return users.find((user) => isSame(user.subject ?? null, subject));
}

/**
 * The user who has this account; else the only one with this verified address who has no account yet. That user gets
 * the account.
 */
async function knownUser(deps: IdentityDeps, person: Person): Promise<string | SignInRefusal> {
  const { team } = person;
  const subject: Subject = { issuer: person.issuer.issuer, sub: person.subject };
  const email = verifiedEmail(person.claims);
  const hasAddress = (user: User): boolean =>
    email !== null && user.email !== null && isSameEmail(user.email, email);
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    const users = (await deps.identities.list('user', team)).map((text) => parseRecord('user', text));
    const own = users.find((user) => isSame(user.subject ?? null, subject));
    if (own) return own.id;
    const named = users.filter(hasAddress);
    const [only, ...others] = named.filter(hasNoAccount);
    if (!only || others.length > 0) return unknownPerson(named.length > 0);
    const linked = await changeRecord(deps, { kind: 'user', team, id: only.id }, (user) =>
      hasNoAccount(user) && hasAddress(user) ? { ...user, subject } : user,
    );
    // Otherwise somebody else changed the user in between: look again.
    if (!(linked instanceof Refusal) && isSame(linked.subject ?? null, subject)) return linked.id;
  }
  return beingChanged();
}

/** An import must be able to read it. */
function isStorable({ issuer, subject: sub }: Person): boolean {
  return subjectFields.safeParse({ issuer: issuer.issuer, sub }).success;
}

/** Why a record could not be created. One that somebody else created at the same moment is as good. */
function refusalOf({ code, message }: Refusal): SignInRefusal | null {
  if (code === 'already_exists') return null;
  return code === 'not_found' ? noTeam() : new SignInRefusal('access_denied', message);
}

/** Whether a record could not be created because another user of the team has this field. */
function isTaken(result: User | Refusal, field: UnsharedField): boolean {
  return result instanceof Refusal && result.code === 'already_exists' && result.details.param === field;
}

function hasNoAccount({ subject = null }: User): boolean {
  return subject === null;
}

function isSame(one: Subject | null, other: Subject): boolean {
  return one !== null && one.issuer === other.issuer && one.sub === other.sub;
}

function unknownPerson(addressTaken: boolean): SignInRefusal {
  const why = addressTaken
    ? 'The user with this e-mail address has another account at an issuer, or there are several.'
    : 'There is no user here for this account, by its subject or by a verified e-mail address.';
  return invalidRequest(`${why} Ask the operator of this gateway.`);
}

function beingChanged(): SignInRefusal {
  return new SignInRefusal(
    'temporarily_unavailable',
    'This user is being changed at this moment. Try again.',
  );
}

function noTeam(): SignInRefusal {
  return new SignInRefusal(
    'access_denied',
    'The team of this account does not exist any more. Ask the operator.',
  );
}
