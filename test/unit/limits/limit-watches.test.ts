import { describe, expect, it } from 'vitest';
import type { Limit } from '../../../src/base/limit.ts';
import { settlementText, watchesText } from '../../../src/limits/admission-texts.ts';
import { adjustments } from '../../../src/limits/charge.ts';
import { type Grant } from '../../../src/limits/grant.ts';
import { type LimitNotice, LimitWatches } from '../../../src/limits/limit-watches.ts';
import type { Settlement } from '../../../src/limits/store.ts';
import { grantOf, oneRequest, stateOf } from './samples.ts';

/* That levels are told once is shown with the store, in test/contract/limit-levels.test.ts. */

const at = 20_484;
const day = (max: number): Limit => ({ metric: 'tokens', window: 'day', max });
const used = (current: number) => ({ counter: { at, used: current, runs: [] } });
const ignore = (): void => undefined;

function settlementOf(grant: Grant): Settlement {
  const charged = { ...oneRequest, outputTokens: 7 };
  const corrections = adjustments(grant.limits, charged, at * 86_400_000);
  return { grant: 'p1-0', incarnation: 'i', team: 'acme', adjustments: corrections, closing: null };
}

describe('LimitWatches', () => {
  it('gives a limit what the store needs to tell its levels, made once', () => {
    const watches = new LimitWatches([80, 100], ignore);
    const grants = [1, 2].map(() => grantOf({ limits: [stateOf(day(1_001), used(7))] }));
    for (const grant of grants) watches.put(grant);
    const [watch, again] = grants.map(({ limits }) => limits[0]?.watch);
    expect(again).toBe(watch);
    expect(watch).toEqual({
      least: 801,
      text: `team-tokens-day:20484 ${20_485 * 86_400_000 + 3_600_000} u 100:1001,80:801 {"scope":"team","user":null,"token":null,"metric":"tokens","window":"day","max":1001,"enforced":true,"resets_at":"2026-02-01T00:00:00.000Z"}`,
    });
  });

  it('sends it once for many settlements, after them', () => {
    const watches = new LimitWatches([80], ignore);
    const batch = [1, 2].map(() => {
      const grant = grantOf({
        limits: [stateOf(day(100), used(7)), stateOf(day(50), { ...used(7), scope: 'user' })],
      });
      watches.put(grant);
      return settlementOf(grant);
    });
    expect(settlementText(batch[0] ?? settlementOf(grantOf()))).toContain(
      '\nteam-tokens-day\n20484\n7\n7 80\n',
    );
    const lines = watchesText(batch).split('\n');
    expect(lines.map((line) => line.split(' ')[0])).toEqual([
      '\u001c',
      'team-tokens-day:20484',
      'user-tokens-day:20484',
      '',
    ]);
  });

  it('adds nothing to a settlement without limits per day or month', () => {
    const watches = new LimitWatches([80], ignore);
    const limits = [
      stateOf({ metric: 'requests', window: 'minute', max: 1 }, used(5)),
      stateOf({ metric: 'tokens', window: 'hour', max: 1 }, used(5)),
      stateOf({ metric: 'concurrency', max: 1 }, used(5)),
    ];
    const [plain, put] = [grantOf({ limits: [...limits] }), grantOf({ limits: [...limits] })];
    watches.put(put);
    expect(settlementText(settlementOf(put))).toBe(settlementText(settlementOf(plain)));
    expect(watchesText([settlementOf(put)])).toBe('');
  });

  it('adds nothing for requests before a level is reached', () => {
    const watches = new LimitWatches([80], ignore);
    const limit: Limit = { metric: 'requests', window: 'day', max: 10 };
    const texts = [7, 8].map((current) => {
      const grant = grantOf({ limits: [stateOf(limit, used(current))] });
      watches.put(grant);
      return settlementText(settlementOf(grant));
    });
    expect(texts[0]).not.toContain('team-requests-day');
    expect(texts[1]).toContain('\nteam-requests-day\n20484\n0\n0 8 8\n');
  });

  it('adds nothing if no level is to be told, or all of the window have been', () => {
    const none = new LimitWatches([], ignore);
    const grant = grantOf({ limits: [stateOf(day(100), used(100))] });
    none.put(grant);
    expect(grant.limits[0]?.watch).toBeUndefined();
    const heard: LimitNotice[] = [];
    const watches = new LimitWatches([80, 100], (notice) => heard.push(notice));
    watches.put(grant);
    watches.look(grant, [{ id: 'team-tokens-day', at, level: 100, isFirst: false }]);
    const later = grantOf({ limits: [stateOf(day(100), used(100))] });
    watches.put(later);
    expect(later.limits[0]?.watch).toBeUndefined();
    expect(heard).toEqual([]);
  });

  it('gives notice of what its own settlements have told', () => {
    const heard: LimitNotice[] = [];
    const watches = new LimitWatches([80], (notice) => heard.push(notice));
    const grant = grantOf({ limits: [stateOf(day(100), used(90))] });
    watches.put(grant);
    watches.look(grant, null);
    watches.look(grant, [{ id: 'team-tokens-day', at, level: 80, isFirst: true }]);
    expect(heard).toEqual([
      {
        level: 80,
        scope: 'team',
        team: 'acme',
        user: null,
        token: null,
        metric: 'tokens',
        window: 'day',
        max: 100,
        resetsAtMs: 20_485 * 86_400_000,
      },
    ]);
  });
});
