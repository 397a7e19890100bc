import type { ScopedLimit } from '../identity/records/identity.ts';
import { type Limit, onlyObserves, type StoredLimit } from '../base/limit.ts';
import { type LimitState, maxOf } from './grant.ts';
import { remaining } from './limit-status.ts';
import { resetsAtMs, windowLengthMs } from './window.ts';

/**
 * The limit headers of a reply, as a flat list of names and values; empty if there are no limits.
 *
 * `RateLimit-Policy` lists every limit, and `RateLimit` shows the one with the smallest share left
 * (draft-ietf-httpapi-ratelimit-headers-10). OpenAI's `x-ratelimit-*` show the same for each metric. Clients slow down by
 * what is left, so observe-only limits are policies only.
 */
export function limitHeaders(states: readonly LimitState[], nowMs: number): string[] {
  if (states.length === 0) return [];
  const least = leastLeft(states, null);
  if (!least) return ['RateLimit-Policy', policies(states)];
  const headers = [
    'RateLimit-Policy',
    policies(states),
    'RateLimit',
    `${quoted(least.scoped)};r=${integer(remaining(least))}${wait(least, nowMs)}`,
  ];
  for (const metric of openAiMetrics) {
    const own = leastLeft(states, metric);
    if (!own) continue;
    const [limit, left, reset] = openAiNames[metric];
    headers.push(limit, String(maxOf(own)), left, String(remaining(own)));
    headers.push(reset, spoken(resetInS(own, nowMs)));
  }
  return headers;
}

const openAiMetrics = ['requests', 'tokens'] as const;
const openAiNames = {
  requests: ['x-ratelimit-limit-requests', 'x-ratelimit-remaining-requests', 'x-ratelimit-reset-requests'],
  tokens: ['x-ratelimit-limit-tokens', 'x-ratelimit-remaining-tokens', 'x-ratelimit-reset-tokens'],
} as const;

/** The limit with the smallest share left, of those on a metric or of all; null if none of them holds. */
function leastLeft(states: readonly LimitState[], metric: Limit['metric'] | null): LimitState | null {
  let least: LimitState | null = null;
  let leastShare = Infinity;
  for (const state of states) {
    const { limit } = state.scoped;
    if ((metric !== null && limit.metric !== metric) || onlyObserves(limit)) continue;
    const max = maxOf(state);
    const share = max === 0 ? 0 : remaining(state) / max;
    if (share >= leastShare) continue;
    least = state;
    leastShare = share;
  }
  return least;
}

/** A parameter of a vendor has its name in front (draft-ietf-httpapi-ratelimit-headers-10, 3). */
const observed = ';tollgate-enforce=?0';

const quotaUnits = {
  requests: '',
  tokens: ';qu="tokens"',
  images: ';qu="images"',
  cost_usd: ';qu="nano-usd"',
  concurrency: ';qu="concurrent-requests"',
} as const;

/** All policies in one text. It stays the same text while each of them does: joining costs as much as all other headers. */
function policies(states: readonly LimitState[]): string {
  const [first] = states;
  const known = first && joined.get(first.scoped);
  if (known?.parts.length === states.length && states.every((state, n) => policy(state) === known.parts[n])) {
    return known.text;
  }
  const parts = states.map(policy);
  const whole = parts.join(', ');
  const text =
    whole.length <= longestLine ? whole : parts.filter((part) => !part.endsWith(observed)).join(', ');
  if (first) joined.set(first.scoped, { parts, text });
  return text;
}

function policy(state: LimitState): string {
  const {
    scoped,
    applied: { span },
    counter,
  } = state;
  const max = maxOf(state);
  const lengthMs = span === 'open' ? 0 : windowLengthMs(span, counter);
  const known = policyTexts.get(scoped);
  if (known?.lengthMs === lengthMs && known.max === max) return known.text;
  const length = span === 'open' ? '' : `;w=${lengthMs / 1000}`;
  const text = `${quoted(scoped)};q=${integer(max)}${length}${quotaUnits[scoped.limit.metric]}${onlyObserves(scoped.limit) ? observed : ''}`;
  policyTexts.set(scoped, { lengthMs, max, text });
  return text;
}

/** What is told of each limit is kept for as long as its principal is: every reply names every limit. */
const policyTexts = new WeakMap<ScopedLimit, { lengthMs: number; max: number; text: string }>();
/** By the first of them. */
const joined = new WeakMap<ScopedLimit, { parts: readonly string[]; text: string }>();
const names = new WeakMap<ScopedLimit, string>();

function quoted(scoped: ScopedLimit): string {
  let name = names.get(scoped);
  if (name === undefined) {
    name = nameOf(scoped);
    names.set(scoped, name);
  }
  return name;
}

function nameOf({ scope, limit, nth }: ScopedLimit): string {
  const window = limit.metric === 'concurrency' ? '' : `-${limit.window}`;
  // Two limits on tokens of one window may differ in this alone, and the unit says that they are tokens.
  const what = limit.metric === 'tokens' && limit.count_cached === false ? 'uncached' : limit.metric;
  const alike = nth === undefined ? '' : `.${nth}`;
  return `"${scope}-${what}${window}${coverage(limit)}${alike}"`;
}

/**
 * Five lists of 16 limits must fit in 8,192 bytes, the longest header line that Heroku's router accepts. If observe-only
 * limits, which are marked, make it longer, they are left out.
 */
const longestLine = 8_150;
const longestCoverage = 31;
const longestStart = 18;
/** How many characters of a limit's id are shown. The id of a session's limit ends with its index in the list. */
const idLength = longestCoverage - longestStart - 1;

/**
 * What a limit covers: `@model`, `/v1/path`, `@key=value`, or nothing if it covers everything. If it covers more, or has a long name,
 * this is the name's start and the limit's id: names must be unique and stable
 * (draft-ietf-httpapi-ratelimit-headers-10, 3).
 */
function coverage({ id, models, endpoints, tags }: StoredLimit): string {
  if (models === undefined && endpoints === undefined && tags === undefined) return '';
  const tagged = Object.entries(tags ?? {}).map(([key, value]) => `@${key}=${value}`);
  const first = models ? `@${models[0] ?? ''}` : (endpoints?.[0] ?? tagged[0] ?? '');
  const named = (models?.length ?? 0) + (endpoints?.length ?? 0) + tagged.length;
  if (named === 1 && first.length <= longestCoverage) return first;
  return `${first.slice(0, longestStart)}#${id.slice(-idLength)}`;
}

/** Integers in structured fields have at most 15 digits (RFC 9651, 3.3.1), but a limit may have 16. */
function integer(value: number): number {
  return Math.min(value, 999_999_999_999_999);
}

function wait(state: LimitState, nowMs: number): string {
  return state.applied.span === 'open' ? '' : `;t=${resetInS(state, nowMs)}`;
}

function resetInS({ applied, counter }: LimitState, nowMs: number): number {
  const atMs = resetsAtMs(applied.span, counter) ?? nowMs;
  return Math.max(0, Math.ceil((atMs - nowMs) / 1000));
}

/** Seconds as OpenAI writes them: `6m0s`, `1h0m0s`, `20s`. */
function spoken(seconds: number): string {
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const rest = `${seconds % 60}s`;
  if (hours > 0) return `${hours}h${minutes}m${rest}`;
  return minutes > 0 ? `${minutes}m${rest}` : rest;
}
