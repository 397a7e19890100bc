import type { ScopedLimit } from '../identity/records/identity.ts';
import type { Limit, StoredLimit } from '../base/limit.ts';
import type { LimitState } from './grant.ts';
import { remaining } from './limit-status.ts';
import { resetsAtMs, windowStartMs } from './window.ts';

/**
 * Limit headers of a reply, as a flat list of names and values; none where there are no limits.
 *
 * `RateLimit-Policy` lists every limit and `RateLimit` the one with the least share left
 * (draft-ietf-httpapi-ratelimit-headers-10); OpenAI's `x-ratelimit-*` tell the same per metric.
 */
export function limitHeaders(states: readonly LimitState[], nowMs: number): string[] {
  const rooms = states.map((state) => roomIn(state, nowMs));
  const least = leastShare(rooms, null);
  if (!least) return [];
  const headers = [
    'RateLimit-Policy',
    states.map(policy).join(', '),
    'RateLimit',
    `${quoted(least.state.scoped)};r=${integer(least.left)}${wait(least.state, nowMs)}`,
  ];
  for (const metric of ['requests', 'tokens'] as const) {
    const own = leastShare(rooms, metric);
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

interface KeyQuota {
  state: LimitState;
  left: number;
  /** Of `max`. */
  share: number;
}

function roomIn(state: LimitState, nowMs: number): KeyQuota {
  const { max } = state.applied;
  const left = remaining(state, nowMs);
  return { state, left, share: max === 0 ? 0 : left / max };
}

/** Of the limits of a metric, or of all. */
function leastShare(rooms: readonly KeyQuota[], metric: Limit['metric'] | null): KeyQuota | null {
  let least: KeyQuota | null = null;
  for (const room of rooms) {
    if (metric !== null && room.state.scoped.limit.metric !== metric) continue;
    if (least === null || room.share < least.share) least = room;
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

function policy(state: LimitState): string {
  const { span, max } = state.applied;
  const lengthS =
    span === 'open'
      ? ''
      : `;w=${(windowStartMs(span, state.counter.index + 1) - windowStartMs(span, state.counter.index)) / 1000}`;
  return `${quoted(state.scoped)};q=${integer(max)}${lengthS}${quotaUnits[state.scoped.limit.metric]}`;
}

function quoted({ scope, limit }: ScopedLimit): string {
  const window = limit.metric === 'concurrency' ? '' : `-${limit.window}`;
  return `"${scope}-${limit.metric}${window}${coverage(limit)}"`;
}

/** Five lists of 16 limits have to stay below the 8,192 bytes a header line that Heroku's router carries. */
const longestCoverage = 31;
const longestStart = 18;
/** How much of a limit's id is told; a session's ends with its place in the list. */
const idLength = longestCoverage - longestStart - 1;

/**
 * What a limit is for: `@model`, `/v1/path`, nothing where it is for everything. Where there is more than that, its
 * start and the limit's id: names of a list have to differ (draft-ietf-httpapi-ratelimit-headers-10, 3), and to stay.
 */
function coverage({ id, models, endpoints }: StoredLimit): string {
  if (models === undefined && endpoints === undefined) return '';
  const first = models ? `@${models[0] ?? ''}` : (endpoints?.[0] ?? '');
  const named = (models?.length ?? 0) + (endpoints?.length ?? 0);
  if (named === 1 && first.length <= longestCoverage) return first;
  return `${first.slice(0, longestStart)}#${id.slice(-idLength)}`;
}

/** A structured field's integer has 15 digits at most (RFC 9651, 3.3.1), a limit up to 16. */
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

/** Seconds the way OpenAI writes them: `6m0s`, `1h0m0s`, `20s`. */
function spoken(seconds: number): string {
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const rest = `${seconds % 60}s`;
  if (hours > 0) return `${hours}h${minutes}m${rest}`;
  return minutes > 0 ? `${minutes}m${rest}` : rest;
}
