import type { IncomingHttpHeaders } from 'node:http';
import type { Attempt } from './attempt.ts';
import type { AttemptRules } from './attempt-rules.ts';
import { readingIn, usedUpForMs } from './rate-limit-headers.ts';
import { rested, working } from './circuit-breaker.ts';
import { type Cause, retryAfterMs } from './retry.ts';
import type { Upstream } from './upstreams.ts';

type Learning = Pick<AttemptRules, 'clock' | 'observer'>;
type Made = Pick<Attempt, 'taken' | 'probe'>;

/** A wrong figure must not take an attachment away for good: where others work, nobody else would find out. */
const longestHeededMs = 3_600_000;

/**
 * What an answer's head says of its key's room and of the attachment's health; how long it says to wait, where it was
 * refused for its rate.
 */
export function learnFromAnswer(
  rules: Learning,
  upstream: Upstream,
  answer: { attempt: Made; cause: Cause | null; status: number; headers: IncomingHttpHeaders },
): number | null {
  const { room } = upstream;
  const { attempt, cause, status, headers } = answer;
  const nowMs = rules.clock.monotonic();
  const reading = readingIn(headers, nowMs);
  room.answered();
  if (reading) room.read(reading, attempt.taken);
  if (cause === null && status < 500) {
    room.allowed(nowMs, attempt.taken);
    works(rules, upstream);
    return null;
  }
  const askedMs = retryAfterMs(headers['retry-after']);
  const gapMs = askedMs ?? usedUpForMs(reading, nowMs);
  if (cause !== 'limited' || gapMs === null) {
    rests(rules, upstream, {
      cause: cause ?? 'failing',
      askedMs: Math.min(askedMs ?? 0, longestHeededMs),
      probe: attempt.probe,
    });
    return null;
  }
  works(rules, upstream);
  room.limited(nowMs, nowMs + Math.min(gapMs, longestHeededMs));
  return gapMs;
}

/** The same where no answer came. */
export function learnFromSilence(
  rules: Learning,
  upstream: Upstream,
  { attempt, cause }: { attempt: Made; cause: Cause },
): void {
  upstream.room.answered();
  rests(rules, upstream, { cause, askedMs: 0, probe: attempt.probe });
}

function works({ observer }: Learning, upstream: Upstream): void {
  if (upstream.rest === working) return;
  upstream.rest = working;
  observer.recovered(upstream.attachment.name);
}

function rests(
  { clock, observer }: Learning,
  upstream: Upstream,
  { cause, askedMs, probe }: { cause: Cause; askedMs: number; probe: boolean },
): void {
  const { rest, attachment } = upstream;
  const nowMs = clock.monotonic();
  const next = rested(rest, { nowMs, probe, retryAfterMs: askedMs, random: Math.random() });
  upstream.rest = next;
  if (rest === working) observer.rests({ attachment: attachment.name, cause, forMs: next.untilMs - nowMs });
}
