import { describe, expect, it } from 'vitest';
import { encodeOpen, type OpenRequest } from '../../../src/limits/open-record.ts';
import { countedIn } from '../../../src/records/first-counters.ts';
import { countersOf, entryIdOf, readOpen } from '../../../src/records/restored-counters.ts';
import { openRequest } from '../limits/samples.ts';

const nowMs = Date.parse('2026-05-20T12:00:00Z');
const month = 2026 * 12 + 4;
const day = Math.floor(nowMs / 86_400_000);

/** An open request as the store has it. */
function open(more: Partial<OpenRequest>, grant = 'p1-0') {
  return { process: 'p1', grant, text: `${nowMs}\t${encodeOpen(openRequest(more))}` };
}

describe('counters of a restored store', () => {
  it('have what was charged, and what requests hold that are still open', () => {
    const recorded = [
      { team: 'acme', field: 'l1', index: month, charged: 70 },
      { team: '@', field: '@/g1', index: day, charged: 5 },
    ];
    const held = open({ held: 'l1 M 100;l2 d 1;@/g1 d 1;', slots: ['l3'] });
    expect(countersOf(recorded, [readOpen(held), readOpen({ ...held, grant: 'p1-1' })])).toEqual(
      new Map([
        [
          'acme',
          [
            ['l1', `${month} 270 70`],
            ['l2', `${day} 2 0`],
            ['l3', '0 2 0'],
          ],
        ],
        ['@', [['@/g1', `${day} 7 5`]]],
      ]),
    );
  });

  it('are those of the newest window that anything is known of', () => {
    const recorded = [{ team: 'acme', field: 'l2', index: day - 1, charged: 9 }];
    expect(countersOf(recorded, [readOpen(open({ held: 'l2 d 1;' }))])).toEqual(
      new Map([['acme', [['l2', `${day} 1 0`]]]]),
    );
  });

  it('leave the limits of a session to its session', () => {
    expect(countersOf([], [readOpen(open({ slots: ['ses_1/0'] }))])).toEqual(new Map());
  });

  it('know a supplement by the request that it belongs to', () => {
    expect(entryIdOf(open({}, 'p1-7+'))).toBe('p1-7');
    expect(entryIdOf(open({}, 'p1-7'))).toBe('p1-7');
  });
});

describe('counters that records begin with', () => {
  const acme = ['acme', 'l1', `${month} 100 40`, 'acme', 'l3', '0 2 0', '@', '@/g1', `${day} 8 0`];

  it('are those of the store, without what is open', () => {
    expect(countedIn([acme, [], []])).toEqual([
      { team: 'acme', field: 'l1', window_index: month, charged: 100 },
      { team: '@', field: '@/g1', window_index: day, charged: 8 },
    ]);
  });

  it('leave out what will be added later: of entries that are not drained, and of open requests', () => {
    const charges = ['', 'acme', `l1 ${month} 30;@/g1 ${day} 1;`];
    const held = open({ held: 'l1 M 50;@/g1 d 1;' }).text;
    expect(countedIn([acme, charges, [held]])).toEqual([
      { team: 'acme', field: 'l1', window_index: month, charged: 20 },
      { team: '@', field: '@/g1', window_index: day, charged: 6 },
    ]);
  });
});
