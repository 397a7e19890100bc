import { asciiLowerCase } from '../base/ascii-case.ts';
import { isSuspendedIn } from '../identity/records/end-user.ts';
import type { Principal } from '../identity/records/identity.ts';
import { onlyObserves } from '../base/limit.ts';
import { Refusal, type ErrorCode } from '../base/refusal.ts';
import type { Endpoint } from '../base/request.ts';
import { secretEndMs } from '../identity/records/secret.ts';

/*
 * What a token may do (contract 1.3, 1.4). Each check is pure and gives the refusal, or null to go on.
 * A list that is null restricts nothing, except tools; an empty list allows nothing. The lists of the team bound those
 * of its tokens. `policy` is what all of them allow; only a refusal looks for the list that is in the way.
 */

/** Null unless it is suspended, revoked, expired or rotated out at `nowMs`. A session ends with its token. */
export function checkToken(
  { identity, credential, endUser, expiresAtMs }: Principal,
  nowMs: number,
): Refusal | null {
  const { team, user, token, session } = identity;
  if (team.suspended_at || user.suspended_at) {
    const who = team.suspended_at ? 'team' : 'user';
    return new Refusal(
      'suspended',
      `The ${who} of this ${session === null ? 'token' : 'session'} is suspended. Ask your administrator.`,
    );
  }
  if (team.suspended_end_users && isSuspendedIn(team, endUser)) return suspendedEndUser();
  if (token.revoked_at !== null) {
    const what = session === null ? 'This token was revoked' : 'The token of this session was revoked';
    const why = token.revoked_because === 'leaked' ? ', since it was reported as leaked' : '';
    return new Refusal('revoked_token', `${what} at ${token.revoked_at}${why}. Ask for a new one.`);
  }
  if (nowMs < expiresAtMs) return null;
  const endedAtMs = secretEndMs(identity, credential);
  if (endedAtMs === expiresAtMs) return rotatedOut(endedAtMs);
  return expired(session === null ? 'token' : 'session', expiresAtMs);
}

/** The refusal of a session whose end user is suspended, and of one that is to be made for them. */
export function suspendedEndUser(): Refusal {
  return new Refusal('suspended', 'The end user of this session is suspended. Ask whoever runs this site.');
}

/** The refusal of a secret whose token has a newer one. */
function rotatedOut(endedAtMs: number): Refusal {
  const when = endedAtMs > 0 ? `ended at ${new Date(endedAtMs).toISOString()}` : 'has ended';
  return new Refusal(
    'expired_token',
    `This token was rotated: the secret you sent ${when}. Use its newest one, or ask for it.`,
  );
}

/** The refusal of an expired token or session. A page that gets it requests a new session. */
export function expired(what: 'token' | 'session', atMs: number): Refusal {
  const remedy = what === 'token' ? 'Ask for a new one.' : 'Get a new one.';
  return new Refusal('expired_token', `This ${what} expired at ${new Date(atMs).toISOString()}. ${remedy}`);
}

/**
 * The browser origin a request comes from. A token's own list decides alone; without one, `allowedOrigins`
 * (the ALLOWED_ORIGINS of the gateway) does, and requests that have no Origin are admitted. The lists of the team and
 * of a session decide besides.
 */
export function checkOrigin(
  { identity: { team, token, session } }: Principal,
  origin: string | undefined,
  allowedOrigins: readonly string[],
): Refusal | null {
  const own = session?.origins ?? null;
  const ofTeam = team.origins ?? null;
  return (
    originRefusal('token', { listed: token.origins, otherwise: allowedOrigins }, origin) ??
    (ofTeam === null
      ? null
      : originRefusal(session === null ? 'team' : 'session', { listed: ofTeam, otherwise: [] }, origin)) ??
    (own === null ? null : originRefusal('session', { listed: own, otherwise: [] }, origin))
  );
}

/** Whether a list of origins is empty: that allows nothing, the gateway's own pages included. */
export function admitsNoOrigin({ identity: { token, team, session } }: Principal): boolean {
  return [token.origins, team.origins, session?.origins].some((list) => list?.length === 0);
}

function originRefusal(
  whose: Whose,
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

/*
 * A refused session sees only its own lists: a page must not learn what its token and team may do.
 */

/** The path of the request, e.g. `/v1/chat/completions`. An absent list does not admit a path that must be named. */
export function checkEndpoint(
  { identity: { team, token, session }, policy: { endpoints } }: Principal,
  { path, mustBeNamed }: Pick<Endpoint, 'path' | 'mustBeNamed'>,
): Refusal | null {
  if (!mustBeNamed && admits(endpoints, path)) return null;
  const whose = whoseOf(session);
  if (mustBeNamed && (token.endpoints === null || session?.endpoints === null)) {
    const [remedy, where] =
      token.endpoints === null
        ? ['an administrator must name it', "the token's endpoints"]
        : ['it must be named', "the session's endpoints too"];
    return refuse('endpoint_not_allowed', `This ${whose} may not use ${path}: ${remedy} in ${where}.`);
  }
  return listRefusal('endpoint_not_allowed', path, [
    { whose, allowed: session?.endpoints ?? null },
    { whose, allowed: token.endpoints, hidden: session !== null },
    {
      whose: session === null ? 'team' : 'session',
      allowed: team.endpoints ?? null,
      hidden: session !== null,
    },
  ]);
}

/** The model of the request: it must be on the lists of the session, the token and the team. */
export function checkModel({ identity, policy }: Principal, model: string): Refusal | null {
  if (admits(policy.models, model)) return null;
  const { team, token, session } = identity;
  const hidden = session !== null;
  const lists: AllowList[] = [
    { whose: 'session', allowed: session?.models ?? null },
    { whose: whoseOf(session), allowed: token.models, hidden },
    { whose: hidden ? 'session' : 'team', allowed: team.models, hidden },
  ];
  return listRefusal('model_not_allowed', `the model ${model}`, lists, { name: model, param: 'model' });
}

/**
 * Models that a body names besides its own. The same lists must have them. If a limit counts single models or money, none
 * may be named: nobody could tell here which of them answers, or what it costs.
 */
export function checkFurtherModels(principal: Principal, models: readonly string[]): Refusal | null {
  const [first] = models;
  if (first === undefined) return null;
  for (const model of models) {
    const refusal = checkModel(principal, model);
    if (refusal) return refusal;
  }
  const isMetered = principal.limits.some(
    ({ limit }) => (limit.metric === 'cost_usd' || limit.models !== undefined) && !onlyObserves(limit),
  );
  if (!isMetered) return null;
  const why = 'a limit on money or on single models applies, and it could not be told which of them answers';
  return refuse('model_not_allowed', `Only the field "model" may name a model here: ${why}.`, 'model');
}

/**
 * Tools that run elsewhere, such as in someone's app: the team must have them, the token must name them, and so must
 * its session. A tool that runs in a named app must be listed for that app, as `name@app`.
 */
export function checkTools(
  { identity: { team, token, session }, policy }: Principal,
  remoteTools: readonly string[],
): Refusal | null {
  if (remoteTools.length === 0) return null;
  const name = remoteTools.find((tool) => !policy.tools.includes(tool));
  if (name === undefined) return null;
  const what = `the tool ${JSON.stringify(name.slice(0, 128))}`;
  const hidden = session !== null;
  const lists: AllowList[] = [
    { whose: 'session', allowed: session === null ? null : (session.tools ?? []) },
    { whose: whoseOf(session), allowed: token.tools ?? [], hidden },
    { whose: hidden ? 'session' : 'team', allowed: team.tools ?? [], hidden },
  ];
  return listRefusal('tool_not_allowed', what, lists, { name, param: 'tools' });
}

function admits(list: readonly string[] | null, item: string): boolean {
  return list === null || list.includes(item);
}

/** A list that must have what is requested; null allows anything. If `hidden`, the refusal does not show it. */
interface AllowList {
  whose: Whose;
  allowed: readonly string[] | null;
  hidden?: boolean;
}

type Whose = 'session' | 'token' | 'team';

function whoseOf(session: object | null): 'session' | 'token' {
  return session === null ? 'token' : 'session';
}

function listRefusal(
  code: ErrorCode,
  what: string,
  lists: readonly AllowList[],
  { name = what, param }: { name?: string; param?: string } = {},
): Refusal | null {
  const refusing = lists.find(({ allowed }) => allowed !== null && !allowed.includes(name));
  if (!refusing) return null;
  const { whose, allowed, hidden = false } = refusing;
  const others = hidden ? '' : ` It may use: ${listed(allowed ?? [])}.`;
  return refuse(code, `This ${whose} may not use ${what}.${others}`, param);
}

const defaultSessionBodyBytes = 1_048_576;

/** The largest body. For a session it is small, unless its token says otherwise. */
export function maxBodyBytes({ identity: { token, session } }: Principal, gatewaysBytes: number): number {
  if (session === null) return gatewaysBytes;
  return Math.min(gatewaysBytes, token.max_session_body_bytes ?? defaultSessionBodyBytes);
}

/** Checks a body that was read under an earlier limit. */
export function checkBodyBytes(principal: Principal, bytes: number, gatewaysBytes: number): Refusal | null {
  const max = maxBodyBytes(principal, gatewaysBytes);
  if (bytes <= max) return null;
  return refuse(
    'body_too_large',
    `The request body is larger than ${max} bytes, the most this session may send.`,
  );
}

/** An origin as browsers write it, or null if the text is not one: `null`, a URL with a path, `none`. */
function normalOrigin(text: string): string | null {
  // The URL parser would take other characters for letters of ASCII; browsers send none of them.
  if (!/^[a-z][a-z0-9+.-]*:\/\/[\w.:[\]~!$&'()*+,;=-]+$/i.test(text)) return null;
  // In the URL standard only web schemes have an origin; `chrome-extension://id` would give `null`.
  return /^https?:/i.test(text) ? (URL.parse(text)?.origin ?? null) : asciiLowerCase(text);
}

function refuse(code: ErrorCode, message: string, param?: string): Refusal {
  return new Refusal(code, message, { param });
}

function listed(names: readonly string[]): string {
  if (names.length === 0) return 'none';
  return names.length > 10 ? `${names.slice(0, 10).join(', ')}, …` : names.join(', ');
}
