/*
 * CORS of the data plane (contract 1.4). Any site may read a reply to an unknown caller, because it grants nothing. If
 * the caller is known, the reply names its exact origin, also on errors and streams. Credentials are never allowed.
 */

/** Heroku's list of models, and this API's description: open to every site, though not under `/v1`. */
export const availableModelsPath = '/available-models';
export const descriptionPath = '/openapi.json';

/** Only the data plane, the way into it and its description are for browsers. */
export function isForBrowsers(path: string): boolean {
  if (path.startsWith('/v1/') || path.startsWith('/oauth/')) return true;
  return path === availableModelsPath || path === descriptionPath;
}

const exposed = [
  'x-request-id',
  'request-id',
  'RateLimit',
  'RateLimit-Policy',
  'x-ratelimit-limit-requests',
  'x-ratelimit-remaining-requests',
  'x-ratelimit-reset-requests',
  'x-ratelimit-limit-tokens',
  'x-ratelimit-remaining-tokens',
  'x-ratelimit-reset-tokens',
  'Retry-After',
  'x-should-retry',
  'WWW-Authenticate',
  'DPoP-Nonce',
  'x-tollgate-model',
  'x-tollgate-adjusted',
  'idempotency-replayed',
  'idempotency-attempts',
].join(', ');

/** Of a reply to an unknown caller: a flat list. */
const forAnySite: readonly string[] = [
  'Access-Control-Allow-Origin',
  '*',
  'Access-Control-Expose-Headers',
  exposed,
];

/** Headers of a reply, as a flat list. `origin` is the request's; undefined if it is not a cross-origin request. */
export function corsHeaders(origin: string | undefined, principalKnown: boolean): readonly string[] {
  if (!principalKnown) return forAnySite;
  if (origin === undefined) return ['Vary', 'Origin'];
  return ['Access-Control-Allow-Origin', origin, 'Vary', 'Origin', 'Access-Control-Expose-Headers', exposed];
}

/** Headers of an answer that is given before the routes, as a flat list; `path` is null if nobody knows it. */
export function corsBelowRoutes(path: string | null): readonly string[] {
  return path === null || isForBrowsers(path) ? forAnySite : [];
}

/** Chromium keeps a preflight's answer for two hours at most. */
const maxAgeS = 7_200;
const headerNames = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+(?:\s*,\s*[A-Za-z0-9!#$%&'*+.^_`|~-]+)*$/;

/**
 * The headers of a preflight's answer in addition to `corsHeaders`. It allows the requested headers by name: `*` does
 * not cover Authorization (Fetch standard, CORS protocol), and SDKs send a dozen headers of their own.
 */
export function preflightHeaders(requestedHeaders: string | undefined): string[] {
  const allowed =
    requestedHeaders !== undefined && headerNames.test(requestedHeaders)
      ? requestedHeaders
      : 'authorization, content-type, x-api-key';
  return [
    'Access-Control-Allow-Methods',
    'GET, POST, DELETE, OPTIONS',
    'Access-Control-Allow-Headers',
    allowed,
    'Access-Control-Max-Age',
    String(maxAgeS),
    'Vary',
    'Access-Control-Request-Headers',
  ];
}
