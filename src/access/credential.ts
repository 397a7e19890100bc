import { Refusal } from '../base/refusal.ts';
import { noProof, proofRefusal } from './proof/proof-problem.ts';
import { inspectToken } from '../identity/records/token-text.ts';

/** The headers that may carry a credential of `/v1` and `/admin`. A query string or a cookie never does. */
export interface CredentialHeaders {
  authorization?: string | undefined;
  'x-api-key'?: string | string[] | undefined;
  /** A proof (RFC 9449). A text is all that matters here: it is checked once the session is known. */
  dpop?: string | string[] | undefined;
  /** The address of the sender, according to the router. */
  'x-forwarded-for'?: string | string[] | undefined;
  /** Only the console looks at it: its sessions are cookies. */
  cookie?: string | undefined;
}

const schemes = /^(bearer|dpop) +(\S.*)$/i;
const withoutToken = /^\s*(?:bearer\s*)?$/i;

/** The well-formed token of a user or a session in the headers, or a refusal. Nothing else reads callers' tokens. */
export function extractCredential(headers: CredentialHeaders): string | Refusal {
  const text = readSecret(headers);
  if (text instanceof Refusal) return text;
  const inspected = inspectToken(text);
  if (!inspected.ok) return mistyped(text);
  if (inspected.kind !== 'admin') return text;
  // Does not ask the store, so it does not say whether the token is still valid.
  return invalid(
    "This is an administrator's token: it is for /admin and calls no models. Send a user's token (tgk_…).",
  );
}

/** The secret that a caller sent, whatever it looks like. Two different ones are refused: which would count? */
export function readSecret(headers: CredentialHeaders): string | Refusal {
  const { authorization, 'x-api-key': apiKey } = headers;
  if (Array.isArray(apiKey)) return duplicated();
  if (authorization === undefined && apiKey === undefined) {
    return new Refusal('missing_token', 'Send your Tollgate token as "Authorization: Bearer tgk_…".');
  }
  if (apiKey === '') return invalid('The x-api-key header is empty.');
  if (authorization === undefined) return apiKey ?? '';
  // Clients send an empty one for a variable that is not set.
  if (apiKey !== undefined && withoutToken.test(authorization)) return apiKey;
  const [, scheme = '', text] = schemes.exec(authorization) ?? [];
  if (text === undefined) {
    return invalid('The Authorization header must read "Bearer", a space and a token.');
  }
  if (/^d/i.test(scheme)) {
    if (!text.startsWith('tgs_')) return invalid(onlySessions);
    if (headers.dpop === undefined) return proofRefusal(noProof);
  }
  if (apiKey === undefined || apiKey === text) return text;
  return invalid('Authorization and x-api-key carry different credentials. Send the token in one of them.');
}

const onlySessions =
  'Only a session (tgs_…) is sent with a proof: send this credential as "Authorization: Bearer …".';

/** The refusal of a text that is not a token of this gateway. */
export function mistyped(text: string): Refusal {
  // Node joins repeated headers by commas (http.IncomingMessage, message.headers).
  if (text.includes(',')) return duplicated();
  if (text.startsWith('inf-')) {
    return invalid('This is a Heroku Inference key. Ask your administrator for a Tollgate token (tgk_…).');
  }
  if (/^tg[ksa]_/.test(text)) {
    return invalid('This token is mistyped or cut off. Copy it again, whole.');
  }
  return invalid('This is not a Tollgate token. A token begins with tgk_.');
}

function duplicated(): Refusal {
  return invalid('More than one credential was sent. Send one header with one token.');
}

function invalid(message: string): Refusal {
  return new Refusal('invalid_token', message);
}
