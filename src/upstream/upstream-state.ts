import type { Clock } from '../base/clock.ts';
import type { CircuitState } from './circuit-breaker.ts';
import type { LimitWindow } from './told-quota.ts';
import type { Upstream } from './upstream.ts';

/** What is left of one of a key's limits; null: not known. */
export interface Room {
  remaining: number;
  limit: number | null;
  resets_at: string;
}

/** An attachment as this process knows it. Nothing of it tells the key. */
export interface UpstreamState {
  name: string;
  /** Null: it serves what its upstream lists. */
  model_id: string | null;
  /** What it serves; null: its upstream has listed nothing, so any model is sent to it. */
  models: readonly string[] | null;
  /** The worst of its models'. */
  circuit: CircuitState;
  /** The models whose circuit is not closed. `open_until` may be past: then the next request finds out. */
  failing: { model: string; circuit: CircuitState; open_until: string }[];
  /** What the key has left: what the upstream said last, less what was sent since. Null: it has said nothing. */
  quota: {
    told_at: string;
    /** A 429 has said to send nothing before then. */
    blocked_until: string | null;
    requests: Room | null;
    tokens: Room | null;
  } | null;
}

/** The state of an attachment. `models`: what its upstream lists; null: nothing yet. */
export function upstreamState(
  { attachment, circuits, quota }: Upstream,
  models: readonly string[] | null,
  clock: Clock,
): UpstreamState {
  const nowMs = clock.monotonic();
  const aheadMs = clock.now() - nowMs;
  const timeOf = (atMs: number): string => new Date(aheadMs + atMs).toISOString();
  const roomIn = (window: LimitWindow | null): Room | null =>
    window && {
      remaining: Math.max(0, window.remaining),
      limit: window.limit === Infinity ? null : window.limit,
      resets_at: timeOf(window.resetAtMs),
    };
  const states = circuits.states(nowMs);
  const told = quota.snapshotSince(-Infinity);
  return {
    name: attachment.name,
    model_id: attachment.modelId,
    models: attachment.modelId === null ? models : [attachment.modelId],
    circuit: worst(states.map(({ state }) => state)),
    failing: states
      .filter(({ isKnown }) => isKnown)
      .map(({ model, state, openUntilMs }) => ({ model, circuit: state, open_until: timeOf(openUntilMs) })),
    quota: told && {
      told_at: timeOf(told.atMs),
      blocked_until: told.blockedUntilMs > nowMs ? timeOf(told.blockedUntilMs) : null,
      requests: roomIn(told.requests),
      tokens: roomIn(told.tokens),
    },
  };
}

function worst(states: readonly CircuitState[]): CircuitState {
  if (states.includes('open')) return 'open';
  return states.includes('half-open') ? 'half-open' : 'closed';
}
