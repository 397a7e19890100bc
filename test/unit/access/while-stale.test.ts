import { describe, expect, it } from 'vitest';
import type { Authenticated } from '../../../src/access/authenticator.ts';
import { makePrincipal } from '../../../src/access/principal.ts';
import { whileStale } from '../../../src/access/while-stale.ts';
import { Refusal } from '../../../src/base/refusal.ts';
import type { Identity } from '../../../src/identity/records/identity.ts';

const revoked = new Refusal('revoked_token', 'This token was revoked.');

function caller(epoch: string): Authenticated {
  // As much of an identity as a principal is made of.
  const identity = {
    gateway: [],
    team: { limits: [], models: null },
    user: { limits: [] },
    token: { limits: [], models: null, endpoints: null, expires_at: null },
    session: null,
    epoch,
  } as unknown as Identity;
  return {
    principal: makePrincipal(identity, { secretHash: 'hash', session: null }),
    fresh: epoch !== 'cached',
  };
}

/** Runs a step whose results are given, on a store whose answers are given; and tells what happened in which order. */
async function run(results: readonly (string | Refusal)[], reads: readonly (string | Refusal)[]) {
  const steps: string[] = [];
  let read = 0;
  const store = {
    refresh: async ({ secretHash }: { secretHash: string }): Promise<Authenticated | Refusal> => {
      steps.push(`read ${secretHash}`);
      const answer = reads[read++] ?? 'unexpected';
      return answer instanceof Refusal ? answer : caller(answer);
    },
  };
  let tried = 0;
  const result = await whileStale(store, caller('cached'), async ({ principal }) => {
    steps.push(`try ${principal.identity.epoch}`);
    const next = results[tried++] ?? 'unexpected';
    return next as 'stale' | 'done' | Refusal;
  });
  return { result, steps };
}

describe('whileStale', () => {
  it.each([
    { name: 'one try is enough', results: ['done'], reads: [], result: 'done', steps: ['try cached'] },
    {
      name: 'a refusal is a result',
      results: [revoked],
      reads: [],
      result: revoked,
      steps: ['try cached'],
    },
    {
      name: 'a stale try is repeated with the caller as the store knows it',
      results: ['stale', 'done'],
      reads: ['second'],
      result: 'done',
      steps: ['try cached', 'read hash', 'try second'],
    },
    {
      name: 'a caller that is refused meanwhile is not tried again',
      results: ['stale'],
      reads: [revoked],
      result: revoked,
      steps: ['try cached', 'read hash'],
    },
    {
      name: 'three stale tries are the most',
      results: ['stale', 'stale', 'stale'],
      reads: ['second', 'third', 'fourth'],
      result: undefined,
      steps: ['try cached', 'read hash', 'try second', 'read hash', 'try third', 'read hash'],
    },
  ])('$name', async ({ results, reads, result, steps }) => {
    expect(await run(results, reads)).toEqual({ result, steps });
  });

  it('rejects as the store does', async () => {
    const away = { refresh: () => Promise.reject(new Error('away')) };
    await expect(whileStale(away, caller('cached'), async () => 'stale')).rejects.toThrow('away');
  });
});
