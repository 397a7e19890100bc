import { Refusal } from '../base/refusal.ts';
import { inspectToken } from '../identity/records/token-text.ts';

/** The headers a credential may come in; never a query string or a cookie. */
export interface CredentialHeaders {
  authorization?: string | undefined;
  'x-api-key'?: string | string[] | undefined;
  /** Whom the credential comes from, as the router says. */
  'x-forwarded-for'?: string | string[] | undefined;
}

const bearer = /^bearer +(\S.*)$/i;

/** The one place where a caller's token is read: a user's or a session's, typed right, or why there is none. */
export function extractCredential(headers: CredentialHeaders): string | Refusal {
  const text = readSecret(headers);
  if (text instanceof Refusal) return text;
  const inspected = inspectToken(text);
  if (!inspected.ok) return mistyped(text);
  return inspected.kind === 'admin' ? administrators() : text;
}

/** The secret a caller sent, whatever it looks like. Two that differ are refused: which would count? */
export function readSecret(headers: CredentialHeaders): string | Refusal {
  const { authorization, 'x-api-key': apiKey } = headers;
  if (Array.isArray(apiKey)) return duplicated();
  if (authorization === undefined && apiKey === undefined) {
    return new Refusal('missing_token', 'Send your Tollgate token as "Authorization: Bearer tgk_…".');
  }
  if (apiKey === '') return new Refusal('invalid_token', 'The x-api-key header is empty.');
  if (authorization === undefined) return apiKey ?? '';

  const fromBearer = bearer.exec(authorization)?.[1];
  if (fromBearer === undefined) {
    return new Refusal('invalid_token', 'The Authorization header must read "Bearer", a space and a token.');
  }
  if (apiKey === undefined || apiKey === fromBearer) return fromBearer;
  return new Refusal(
    'invalid_token',
    'Authorization and x-api-key carry different credentials. Send the token in one of them.',
  );
}

/** Why a text is no token of this gateway's. */
export function mistyped(text: string): Refusal {
  // Node joins repeated headers by commas (http.IncomingMessage, message.headers).
  if (text.includes(',')) return duplicated();
  if (text.startsWith('inf-')) {
    return new Refusal(
      'invalid_token',
      'This is a Heroku Inference key. Ask your administrator for a Tollgate token (tgk_…).',
    );
  }
  if (/^tg[ksa]_/.test(text)) {
    return new Refusal('invalid_token', 'This token is mistyped or cut off. Copy it again, whole.');
  }
  return new Refusal('invalid_token', 'This is not a Tollgate token. A token begins with tgk_.');
}

/** Told without the store, so whether it is one that lives is not said. */
function administrators(): Refusal {
  return new Refusal(
    'invalid_token',
    "This is an administrator's token: it is for /admin and calls no models. Send a user's token (tgk_…).",
  );
}

function duplicated(): Refusal {
  return new Refusal('invalid_token', 'More than one credential was sent. Send one header with one token.');
}
