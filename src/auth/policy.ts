import type { Principal } from '../core/identity.ts';
import { Refusal, type ErrorCode } from '../core/refusal.ts';

/*
 * What a token may do (contract 1.3, 1.4). Each check is pure and gives the refusal, or null to go on.
 * A list that is null restricts nothing, except tools; an empty list allows nothing.
 */

/** Neither revoked nor expired at `nowMs`; a session is dead when its token is. */
export function checkToken({ identity, expiresAtMs }: Principal, nowMs: number): Refusal | null {
  const { token, session } = identity;
  if (token.revoked_at !== null) {
    const what = session === null ? 'This token was revoked' : 'The token of this session was revoked';
    return new Refusal('revoked_token', `${what} at ${token.revoked_at}. Ask for a new one.`);
  }
  return nowMs >= expiresAtMs ? expired(session === null ? 'token' : 'session', expiresAtMs) : null;
}

/** The refusal of what has had its time; a page that is told so gets itself a new session. */
export function expired(what: 'token' | 'session', atMs: number): Refusal {
  const remedy = what === 'token' ? 'Ask for a new one.' : 'Get a new one.';
  return new Refusal('expired_token', `This ${what} expired at ${new Date(atMs).toISOString()}. ${remedy}`);
}

/**
 * The browser origin a request comes from. A token's own list decides alone; without one, `allowedOrigins`
 * (the ALLOWED_ORIGINS of the gateway) does, and requests that have no Origin are admitted. A session's list
 * decides besides.
 */
export function checkOrigin(
  { identity: { token, session } }: Principal,
  origin: string | undefined,
  allowedOrigins: readonly string[],
): Refusal | null {
  const own = session?.origins ?? null;
  return (
    originRefusal('token', { listed: token.origins, otherwise: allowedOrigins }, origin) ??
    (own === null ? null : originRefusal('session', { listed: own, otherwise: [] }, origin))
  );
}

function originRefusal(
  whose: 'token' | 'session',
  { listed: own, otherwise }: { listed: readonly string[] | null; otherwise: readonly string[] },
  origin: string | undefined,
): Refusal | null {
  if (origin === undefined) {
    if (own === null || own.includes('none')) return null;
    return refuse(
      'origin_not_allowed',
      `This ${whose} is for browsers only: the request has no Origin header.`,
    );
  }
  const normal = normalOrigin(origin);
  if (normal !== null && (own ?? otherwise).includes(normal)) return null;
  return refuse(
    'origin_not_allowed',
    own === null
      ? 'This origin is not among the ALLOWED_ORIGINS of this gateway.'
      : `This origin is not among the origins of this ${whose}.`,
  );
}

/** The path asked for, e.g. `/v1/chat/completions`. */
export function checkEndpoint({ identity: { token, session } }: Principal, path: string): Refusal | null {
  return (
    endpointRefusal('session', session?.endpoints ?? null, path) ??
    endpointRefusal('token', token.endpoints, path)
  );
}

function endpointRefusal(whose: string, endpoints: readonly string[] | null, path: string): Refusal | null {
  if (endpoints === null || endpoints.includes(path)) return null;
  const message = `This ${whose} may not use ${path}. It may use: ${listed(endpoints)}.`;
  return refuse('endpoint_not_allowed', message);
}

/** The model asked for: on the session's list, the token's and the team's. */
export function checkModel({ identity: { team, token, session } }: Principal, model: string): Refusal | null {
  return (
    modelRefusal('session', session?.models ?? null, model) ??
    modelRefusal('token', token.models, model) ??
    modelRefusal('team', team.models, model)
  );
}

function modelRefusal(whose: string, models: readonly string[] | null, model: string): Refusal | null {
  if (models === null || models.includes(model)) return null;
  const message = `This ${whose} may not use the model ${model}. It may use: ${listed(models)}.`;
  return refuse('model_not_allowed', message, 'model');
}

/** `heroku_tool` and `mcp` tools run code in someone's app: only those the token names, and its session too. */
export function checkTools(
  { identity: { token, session } }: Principal,
  remoteTools: readonly string[],
): Refusal | null {
  if (remoteTools.length === 0) return null;
  return (
    (session && toolsRefusal('session', session.tools ?? [], remoteTools)) ??
    toolsRefusal('token', token.tools ?? [], remoteTools)
  );
}

function toolsRefusal(
  whose: string,
  allowed: readonly string[],
  remoteTools: readonly string[],
): Refusal | null {
  const refused = remoteTools.find((tool) => !allowed.includes(tool));
  if (refused === undefined) return null;
  return refuse(
    'tool_not_allowed',
    `This ${whose} may not run the tool ${JSON.stringify(refused.slice(0, 128))}. It may run: ${listed(allowed)}.`,
    'tools',
  );
}

const defaultSessionBodyBytes = 1_048_576;

/** The largest body: a page's is small, unless the session's token says otherwise. */
export function maxBodyBytes({ identity: { token, session } }: Principal, gatewaysBytes: number): number {
  if (session === null) return gatewaysBytes;
  return Math.min(gatewaysBytes, token.max_session_body_bytes ?? defaultSessionBodyBytes);
}

/** A body that was read within an earlier limit. */
export function checkBodyBytes(principal: Principal, bytes: number, gatewaysBytes: number): Refusal | null {
  const max = maxBodyBytes(principal, gatewaysBytes);
  if (bytes <= max) return null;
  return refuse(
    'body_too_large',
    `The request body is larger than ${max} bytes, the most this session may send.`,
  );
}

/** An origin as browsers write it, or null where the text is none: `null`, a URL with a path, `none`. */
function normalOrigin(text: string): string | null {
  if (!/^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@\\]+$/i.test(text)) return null;
  // Only web schemes have an origin in the URL standard; of `chrome-extension://id` it would say `null`.
  return /^https?:/i.test(text) ? (URL.parse(text)?.origin ?? null) : text.toLowerCase();
}

function refuse(code: ErrorCode, message: string, param?: string): Refusal {
  return new Refusal(code, message, { param });
}

function listed(names: readonly string[]): string {
  if (names.length === 0) return 'none';
  return names.length > 10 ? `${names.slice(0, 10).join(', ')}, …` : names.join(', ');
}
