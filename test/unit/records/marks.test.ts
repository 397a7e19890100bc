import { describe, expect, it } from 'vitest';
import { compareMarks, type Comparison, type Marks } from '../../../src/records/marks.ts';

const none = { store: null, mark: 0 };
const at = (mark: number, store = 'a'): Marks['records'] => ({ store, mark });
const says = (mark: number, name = 'a'): Marks['store'] => ({ name, mark });

const cases: [what: string, marks: Omit<Marks, 'hasDrained'> & { hasDrained?: boolean }, Comparison][] = [
  ['nothing was ever drained', { records: none, store: null }, { kind: 'first' }],
  ['the store was named and not drained', { records: none, store: says(0) }, { kind: 'records_forgot' }],
  ['both are as the last drain left them', { records: at(7), store: says(7) }, { kind: 'in_step' }],
  ['a drain was committed and the store not told', { records: at(8), store: says(7) }, { kind: 'untold' }],
  [
    'the store is one drain older',
    { records: at(8), store: says(7), hasDrained: false },
    { kind: 'store_forgot', how: 'rewound' },
  ],
  ['the store is much older', { records: at(9), store: says(7) }, { kind: 'store_forgot', how: 'rewound' }],
  ['the store is empty', { records: at(9), store: null }, { kind: 'store_forgot', how: 'emptied' }],
  ['Postgres is older', { records: at(7), store: says(9) }, { kind: 'records_forgot' }],
  ['Postgres is new', { records: none, store: says(9) }, { kind: 'records_forgot' }],
  ['Postgres is of another store', { records: at(7), store: says(7, 'b') }, { kind: 'other_store' }],
  ['an older Postgres is of another store', { records: at(5), store: says(7, 'b') }, { kind: 'other_store' }],
];

describe('the marks of the store and of Postgres', () => {
  it.each(cases)('tell that %s', (_what, marks, expected) => {
    expect(compareMarks({ hasDrained: true, ...marks })).toEqual(expected);
  });
});
