import type { ScopedLimit } from '../identity/records/identity.ts';
import type { Limit, StoredLimit } from '../base/limit.ts';
import type { LimitState } from './grant.ts';
import { remaining } from './limit-status.ts';
import { resetsAtMs, windowLengthMs } from './window.ts';

/**
 * The limit headers of a reply, as a flat list of names and values; empty if there are no limits.
 *
 * `RateLimit-Policy` lists every limit, and `RateLimit` shows the one with the smallest share left
 * (draft-ietf-httpapi-ratelimit-headers-10). OpenAI's `x-ratelimit-*` show the same for each metric.
 */
export function limitHeaders(states: readonly LimitState[], nowMs: number): string[] {
  const shares = states.map(shareOf);
  const least = leastShare(shares, null);
  if (!least) return [];
  const headers = [
    'RateLimit-Policy',
    states.map(policy).join(', '),
    'RateLimit',
    `${quoted(least.state.scoped)};r=${integer(least.left)}${wait(least.state, nowMs)}`,
  ];
  for (const metric of ['requests', 'tokens'] as const) {
    const own = leastShare(shares, metric);
    if (!own) continue;
    headers.push(
      `x-ratelimit-limit-${metric}`,
      String(own.state.applied.max),
      `x-ratelimit-remaining-${metric}`,
      String(own.left),
      `x-ratelimit-reset-${metric}`,
      spoken(resetInS(own.state, nowMs)),
    );
  }
  return headers;
}

/** What is left of a limit: the amount, and the fraction of `max`. */
interface Share {
  state: LimitState;
  left: number;
  fraction: number;
}

function shareOf(state: LimitState): Share {
  const { max } = state.applied;
  const left = remaining(state);
  return { state, left, fraction: max === 0 ? 0 : left / max };
}

/** The smallest share among the limits on a metric, or among all limits. */
function leastShare(shares: readonly Share[], metric: Limit['metric'] | null): Share | null {
  let least: Share | null = null;
  for (const share of shares) {
    if (metric !== null && share.state.scoped.limit.metric !== metric) continue;
    if (least === null || share.fraction < least.fraction) least = share;
  }
  return least;
}

const quotaUnits = {
  requests: '',
  tokens: ';qu="tokens"',
  images: ';qu="images"',
  cost_usd: ';qu="nano-usd"',
  concurrency: ';qu="concurrent-requests"',
} as const;

function policy({ scoped, applied: { span, max }, counter }: LimitState): string {
  const lengthMs = span === 'open' ? 0 : windowLengthMs(span, counter);
  const known = policies.get(scoped);
  if (known?.lengthMs === lengthMs) return known.text;
  const length = span === 'open' ? '' : `;w=${lengthMs / 1000}`;
  const text = `${quoted(scoped)};q=${integer(max)}${length}${quotaUnits[scoped.limit.metric]}`;
  policies.set(scoped, { lengthMs, text });
  return text;
}

/** What is told of each limit is kept for as long as its principal is: every reply names every limit. */
const policies = new WeakMap<ScopedLimit, { lengthMs: number; text: string }>();
const names = new WeakMap<ScopedLimit, string>();

function quoted(scoped: ScopedLimit): string {
  let name = names.get(scoped);
  if (name === undefined) {
    name = nameOf(scoped);
    names.set(scoped, name);
  }
  return name;
}

function nameOf({ scope, limit }: ScopedLimit): string {
  const window = limit.metric === 'concurrency' ? '' : `-${limit.window}`;
  // Two limits on tokens of one window may differ in this alone, and the unit says that they are tokens.
  const what = limit.metric === 'tokens' && limit.count_cached === false ? 'uncached' : limit.metric;
  return `"${scope}-${what}${window}${coverage(limit)}"`;
}

/** Five lists of 16 limits must fit in 8,192 bytes, the longest header line that Heroku's router accepts. */
const longestCoverage = 31;
const longestStart = 18;
/** How many characters of a limit's id are shown. The id of a session's limit ends with its index in the list. */
const idLength = longestCoverage - longestStart - 1;

/**
 * What a limit covers: `@model`, `/v1/path`, or nothing if it covers everything. If it covers more, or has a long name,
 * this is the name's start and the limit's id: names must be unique and stable
 * (draft-ietf-httpapi-ratelimit-headers-10, 3).
 */
function coverage({ id, models, endpoints }: StoredLimit): string {
  if (models === undefined && endpoints === undefined) return '';
  const first = models ? `@${models[0] ?? ''}` : (endpoints?.[0] ?? '');
  const named = (models?.length ?? 0) + (endpoints?.length ?? 0);
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
