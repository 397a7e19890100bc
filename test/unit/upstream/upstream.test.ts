import { expect, it } from 'vitest';
import { FakeUpstream } from './fake-upstream.ts';

const hourMs = 3_600_000;
const recorder = {
  clock: { now: () => 0, monotonic: () => 0 },
  observer: {
    gaveUp: () => undefined,
    circuitOpened: () => undefined,
    circuitClosed: () => undefined,
    isOut: () => undefined,
    keyRefused: () => undefined,
  },
};

const asker = { team: 'acme', model: 'own', isModelKnown: true };

it('is kept from its turns for an hour at most by a Retry-After of years, though the caller is told the truth', () => {
  const upstream = new FakeUpstream('A');
  const headers = { 'retry-after': '99999999' };
  const attempt = { ordinal: upstream.quota.recordSent(1), isProbe: false };
  const limited = upstream.recordAnswer(attempt, { asker, cause: 'limited', status: 429, headers }, recorder);
  expect(limited).toBe(99_999_999_000);
  expect(upstream.quota.availableAtMs(0, 1, 'acme')).toBe(hourMs);
  upstream.recordAnswer(attempt, { asker, cause: 'failing', status: 503, headers }, recorder);
  expect(upstream.breaker('own', 'acme', 0).openUntilMs).toBe(hourMs);
});
