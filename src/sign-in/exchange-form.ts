import { z } from 'zod';
import { invalidRequest, SignInRefusal } from './oauth-error.ts';

const grantType = 'urn:ietf:params:oauth:grant-type:token-exchange';
const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token';
const idTokenType = 'urn:ietf:params:oauth:token-type:id_token';
const subjectTokenTypes: ReadonlySet<string> = new Set([idTokenType, 'urn:ietf:params:oauth:token-type:jwt']);

const formType =
  /^application\/x-www-form-urlencoded[ \t]*(?:;[ \t]*charset[ \t]*=[ \t]*"?[\w.:-]+"?[ \t]*)?$/i;

/** These alone may be repeated (RFC 8693, 2.1), and are refused in any number. */
const targets: ReadonlySet<string> = new Set(['audience', 'resource']);

/** What `readExchange` reads, for the API's description. */
export const formSchema = z
  .looseObject({
    grant_type: z.literal(grantType),
    subject_token: z.string().min(1).meta({ description: 'The ID token.' }),
    subject_token_type: z.enum([...subjectTokenTypes]),
    requested_token_type: z.literal(accessTokenType).optional(),
  })
  .meta({ id: 'TokenExchange' });

/** And what is answered: RFC 8693, 2.2.1. */
export const exchangeSchema = z
  .object({
    access_token: z.string().meta({ description: 'A session: tgs_…' }),
    issued_token_type: z.literal(accessTokenType),
    token_type: z
      .enum(['Bearer', 'DPoP'])
      .meta({ description: 'DPoP: the session is bound to the key of the proof.' }),
    expires_in: z.int().meta({ description: 'Seconds.' }),
  })
  .meta({ id: 'ExchangedToken' });

/**
 * The ID token in a token exchange request (RFC 8693, 2.1), unverified. A parameter without a value counts as absent,
 * an unknown one is ignored, as is `client_id`; one that is given twice is an `invalid_request` (RFC 6749, 3.2). Pure.
 */
export function readExchange(contentType: string | undefined, body: string): string | SignInRefusal {
  if (contentType === undefined || !formType.test(contentType)) {
    return invalidRequest('The Content-Type must be application/x-www-form-urlencoded.');
  }
  const form = new URLSearchParams(body);
  const repeated = repeatedName(form);
  if (repeated !== undefined)
    return invalidRequest(`Each parameter may be given once only: ${named(repeated)}.`);
  return checkGrant(form) ?? checkWishes(form) ?? readSubject(form);
}

function checkGrant(form: URLSearchParams): SignInRefusal | null {
  const given = form.get('grant_type') ?? '';
  if (given === grantType) return null;
  if (given === '') return invalidRequest(`The parameter grant_type is missing; it must be ${grantType}.`);
  return new SignInRefusal('unsupported_grant_type', `The parameter grant_type must be ${grantType}.`);
}

/** Options of RFC 8693 that are not supported here. */
function checkWishes(form: URLSearchParams): SignInRefusal | null {
  if (has(form, 'actor_token') || has(form, 'actor_token_type')) {
    return invalidRequest('Delegation is not supported: omit actor_token and actor_token_type.');
  }
  if (has(form, 'requested_token_type') && form.get('requested_token_type') !== accessTokenType) {
    return invalidRequest(`The parameter requested_token_type must be absent or ${accessTokenType}.`);
  }
  const target = [...targets].find((name) => has(form, name));
  if (target !== undefined) {
    return new SignInRefusal('invalid_target', `Sessions are for this gateway only: omit ${target}.`);
  }
  if (has(form, 'scope')) {
    return new SignInRefusal('invalid_scope', 'Sessions have no scopes: omit scope.');
  }
  return null;
}

function readSubject(form: URLSearchParams): string | SignInRefusal {
  const subjectToken = form.get('subject_token') ?? '';
  if (subjectToken === '')
    return invalidRequest('The parameter subject_token is missing; it must be an ID token.');
  if (!subjectTokenTypes.has(form.get('subject_token_type') ?? '')) {
    return invalidRequest(`The parameter subject_token_type must be ${idTokenType}.`);
  }
  return subjectToken;
}

function has(form: URLSearchParams, name: string): boolean {
  return form.getAll(name).some((value) => value !== '');
}

function repeatedName(form: URLSearchParams): string | undefined {
  const seen = new Set<string>();
  for (const name of form.keys()) {
    if (seen.has(name) && !targets.has(name)) return name;
    seen.add(name);
  }
  return undefined;
}

/** The caller's text, only if it looks like a name: a token pasted in the wrong place is not repeated. */
function named(name: string): string {
  return /^[a-z_]{1,40}$/.test(name) ? name : 'an unknown one is repeated';
}
