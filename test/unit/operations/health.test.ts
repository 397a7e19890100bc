import { describe, expect, it } from 'vitest';
import { liveness, readiness } from '../../../src/operations/routes.ts';

describe('health', () => {
  it('a process that answers is alive', () => {
    expect(liveness(null)).toEqual({ status: 'ok' });
    expect(liveness('it is full')).toEqual({ status: 'ok', reasons: ['store unreachable: it is full'] });
  });

  it.each([
    [true, false, 200, undefined],
    [false, false, 503, ['store unreachable']],
    [true, true, 503, ['draining']],
    [false, true, 503, ['store unreachable', 'draining']],
  ])('store reachable %s, draining %s: %i, saying why', (storeReachable, draining, status, reasons) => {
    const answer = readiness({ storeReachable, draining });
    expect([answer.status, answer.body.reasons]).toEqual([status, reasons]);
  });

  it('says why the store is unreachable, if that is known', () => {
    const answer = readiness({ storeReachable: false, storeProblem: 'it is full', draining: false });
    expect(answer.body.reasons).toEqual(['store unreachable: it is full']);
  });
});
