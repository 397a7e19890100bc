import { describe, expect, it } from 'vitest';
import type { Limit } from '../../../src/base/limit.ts';
import { parseLimit } from '../../../src/cli/arguments.ts';
import { changedLimits, droppedMoney, limitChangeOptions } from '../../../src/cli/limit-changes.ts';

const [, removeOption] = limitChangeOptions;

/** The limits after `--add-limit` and `--remove-limit` options. */
function changed(before: readonly string[], add: readonly string[], remove: readonly string[] = []): Limit[] {
  const removed = remove.reduce<unknown>((all, text) => removeOption?.parseArg?.(text, all), undefined);
  return changedLimits(before.map(parseLimit), {
    addLimit: add.map(parseLimit),
    removeLimit: (removed ?? []) as Parameters<typeof changedLimits>[1]['removeLimit'],
  });
}
const limits = (...texts: string[]): Limit[] => texts.map(parseLimit);

describe('--add-limit', () => {
  it('adds a limit at the end, or changes the number of the same one where it is', () => {
    const before = ['tokens/day=1', 'tokens/day=2@m', 'concurrency=5'];
    expect(changed(before, ['requests/day=7'])).toEqual(limits(...before, 'requests/day=7'));
    expect(changed(before, ['tokens/day=9'])).toEqual(
      limits('tokens/day=9', 'tokens/day=2@m', 'concurrency=5'),
    );
    expect(changed(before, ['tokens/day=9@m'])).toEqual(
      limits('tokens/day=1', 'tokens/day=9@m', 'concurrency=5'),
    );
    expect(changed(before, ['tokens/day=9:uncached'])).toHaveLength(4);
  });
});

describe('--remove-limit', () => {
  const before = ['tokens/day=1', 'tokens/day=2@m', 'tokens/day=3@n,/v1/messages', 'concurrency=5'];

  it('removes a limit by its name, if there is one such', () => {
    expect(changed(before, [], ['concurrency'])).toEqual(limits(...before.slice(0, 3)));
    expect(changed(before, [], ['tokens/day@m'])).toEqual(
      limits(...before.filter((text) => text !== 'tokens/day=2@m')),
    );
    expect(changed(before, [], ['tokens/day=1'])).toEqual(limits(...before.slice(1)));
    expect(changed(before, ['tokens/month=4'], ['concurrency=5', 'tokens/day=3@n,/v1/messages'])).toEqual(
      limits('tokens/day=1', 'tokens/day=2@m', 'tokens/month=4'),
    );
  });

  it('refuses what could be several, with those, and what is none, with all', () => {
    expect(() => changed(before, [], ['tokens/day'])).toThrow(
      '--remove-limit tokens/day could be any of tokens/day=1, tokens/day=2@m, tokens/day=3@n,/v1/messages',
    );
    for (const name of ['tokens/hour', 'tokens/day=2', 'tokens/day@other', 'tokens/day:uncached']) {
      expect(() => changed(before, [], [name])).toThrow(
        `There is no limit ${name}; there are: tokens/day=1,`,
      );
    }
  });

  it('refuses a limit that is named twice', () => {
    expect(() => changed(before, ['requests/day=1', 'requests/day=2'])).toThrow('named twice');
    expect(() => changed(before, [], ['concurrency', 'concurrency=5'])).toThrow('named twice');
    expect(() => changed(before, ['concurrency=6'], ['concurrency'])).toThrow('named twice');
  });

  it.each(['', 'day', 'tokens', 'tokens/year', 'tokens/day=x', 'concurrency/day'])('is not %j', (text) => {
    expect(() => removeOption?.parseArg?.(text, undefined)).toThrow();
  });
});

describe('a list of limits that replaces another', () => {
  const list = (...texts: string[]) => texts.map((text) => ({ ...parseLimit(text) }));
  const before = list('cost_usd/day=1', 'cost_usd/day=2@m', 'tokens/day=3');

  it('drops those on money that it does not have, however much they were', () => {
    expect(droppedMoney(before, list('cost_usd/day=9', 'requests/day=1'))).toEqual(
      limits('cost_usd/day=2@m'),
    );
    expect(droppedMoney(before, list('cost_usd/day=9', 'cost_usd/day=9@m'))).toEqual([]);
    expect(droppedMoney(before, null)).toEqual(limits('cost_usd/day=1', 'cost_usd/day=2@m'));
    expect(droppedMoney(list('tokens/day=3'), null)).toEqual([]);
  });

  it('may be one of the defaults', () => {
    const defaults = { team: { limits: before }, user: { limits: before }, token: { limits: [] } };
    expect(droppedMoney(defaults, { user: { limits: list('cost_usd/day=1') } })).toEqual(
      limits('cost_usd/day=2@m'),
    );
    expect(droppedMoney(defaults, { team: { limits: null }, token: { limits: [] } })).toHaveLength(2);
    expect(droppedMoney(defaults, null)).toHaveLength(4);
  });
});
