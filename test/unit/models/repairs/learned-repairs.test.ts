import { describe, expect, it } from 'vitest';
import { type Asked, LearnedRepairs } from '../../../../src/models/repairs/learned-repairs.ts';
import { idOf, type Repair } from '../../../../src/models/repairs/repair.ts';
import { TurnedClock } from '../../../support/turned-clock.ts';

const dayMs = 86_400_000;
const asked: Asked = { model: 'm', path: '/v1/messages', betas: '' };
const fold: Repair = { kind: 'fold' };
const drop = (field: string): Repair => ({ kind: 'drop', path: [field] });

describe('what was learned', () => {
  it('is known for the model, the endpoint and the betas it was learned with', () => {
    const learned = new LearnedRepairs(new TurnedClock());
    expect(learned.learn(asked, fold)).toBe(true);
    expect(learned.learn(asked, drop('store'))).toBe(true);
    expect(learned.known(asked).map(idOf)).toEqual(['fold', 'drop store']);
    for (const other of [{ model: 'n' }, { path: '/v1/chat/completions' }, { betas: 'b' }]) {
      expect(learned.known({ ...asked, ...other })).toEqual([]);
    }
  });

  it('is learned once', () => {
    const learned = new LearnedRepairs(new TurnedClock());
    learned.learn(asked, fold);
    expect(learned.learn(asked, fold)).toBe(false);
    expect(learned.known(asked)).toEqual([fold]);
  });

  it('is forgotten after a day, so that an upstream may mend', () => {
    const clock = new TurnedClock();
    const learned = new LearnedRepairs(clock);
    learned.learn(asked, fold);
    clock.aheadMs += dayMs - 1_000;
    expect(learned.known(asked)).toEqual([fold]);
    clock.aheadMs += 2_000;
    expect(learned.known(asked)).toEqual([]);
    expect(learned.learn(asked, fold)).toBe(true);
  });

  it('stays small: the models learned of last, and of each the last repairs', () => {
    const learned = new LearnedRepairs(new TurnedClock());
    for (let n = 0; n < 300; n += 1) learned.learn({ ...asked, model: `m${n}` }, fold);
    expect(learned.known({ ...asked, model: 'm43' })).toEqual([]);
    expect(learned.known({ ...asked, model: 'm44' })).toEqual([fold]);
    for (let n = 0; n < 40; n += 1) learned.learn(asked, drop(`f${n}`));
    expect(learned.known(asked)).toHaveLength(32);
    expect(learned.known(asked).at(-1)).toEqual(drop('f39'));
  });
});
