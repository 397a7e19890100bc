import type { Principal } from '../core/identity.ts';
import { Refusal, type ErrorCode } from '../core/refusal.ts';

/*
 * What a token may do (contract 1.3, 1.4). Each check is pure and gives the refusal, or null to go on.
 * A list that is null restricts nothing, except tools; an empty list allows nothing.
 */

/** Neither revoked nor expired at `nowMs`. */
export function checkToken({ identity, expiresAtMs }: Principal, nowMs: number): Refusal | null {
  const { revoked_at: revokedAt, expires_at: expiresAt } = identity.token;
  if (revokedAt !== null) {
    return new Refusal('revoked_token', `This token was revoked at ${revokedAt}. Ask for a new one.`);
  }
  if (nowMs >= expiresAtMs) {
    return new Refusal('expired_token', `This token expired at ${expiresAt ?? ''}. Ask for a new one.`);
  }
  return null;
}

/**
 * The browser origin a request comes from. A token's own list decides alone; without one, `allowedOrigins`
 * (the ALLOWED_ORIGINS of the gateway) does, and requests that have no Origin are admitted.
 */
export function checkOrigin(
  { identity }: Principal,
  origin: string | undefined,
  allowedOrigins: readonly string[],
): Refusal | null {
  const own = identity.token.origins;
  if (origin === undefined) {
    if (own === null || own.includes('none')) return null;
    return refuse('origin_not_allowed', 'This token is for browsers only: the request has no Origin header.');
  }
  const normal = normalOrigin(origin);
  if (normal !== null && (own ?? allowedOrigins).includes(normal)) return null;
  return refuse(
    'origin_not_allowed',
    own === null
      ? 'This origin is not among the ALLOWED_ORIGINS of this gateway.'
      : 'This origin is not among the origins of this token.',
  );
}

/** The path asked for, e.g. `/v1/chat/completions`. */
export function checkEndpoint({ identity }: Principal, path: string): Refusal | null {
  const { endpoints } = identity.token;
  if (endpoints === null || endpoints.includes(path)) return null;
  return refuse('endpoint_not_allowed', `This token may not use ${path}. It may use: ${listed(endpoints)}.`);
}

/** The model asked for: on the token's list and on the team's. */
export function checkModel({ identity }: Principal, model: string): Refusal | null {
  const { team, token } = identity;
  if (token.models !== null && !token.models.includes(model))
    return modelRefused('token', model, token.models);
  if (team.models !== null && !team.models.includes(model)) return modelRefused('team', model, team.models);
  return null;
}

/** `heroku_tool` and `mcp` tools run code in someone's app: only those the token names. */
export function checkTools({ identity }: Principal, remoteTools: readonly string[]): Refusal | null {
  const allowed = identity.token.tools ?? [];
  const refused = remoteTools.find((tool) => !allowed.includes(tool));
  if (refused === undefined) return null;
  return refuse(
    'tool_not_allowed',
    `This token may not run the tool ${JSON.stringify(refused.slice(0, 128))}. It may run: ${listed(allowed)}.`,
    'tools',
  );
}

/** An origin as browsers write it, or null where the text is none: `null`, a URL with a path, `none`. */
function normalOrigin(text: string): string | null {
  if (!/^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@\\]+$/i.test(text)) return null;
  // Only web schemes have an origin in the URL standard; of `chrome-extension://id` it would say `null`.
  return /^https?:/i.test(text) ? (URL.parse(text)?.origin ?? null) : text.toLowerCase();
}

function modelRefused(whose: string, model: string, models: readonly string[]): Refusal {
  const message = `This ${whose} may not use the model ${model}. It may use: ${listed(models)}.`;
  return refuse('model_not_allowed', message, 'model');
}

function refuse(code: ErrorCode, message: string, param?: string): Refusal {
  return new Refusal(code, message, { param });
}

function listed(names: readonly string[]): string {
  if (names.length === 0) return 'none';
  return names.length > 10 ? `${names.slice(0, 10).join(', ')}, …` : names.join(', ');
}
