import { describe, expect, it } from 'vitest';
import { savesByInfo } from '../../../src/store/store-condition.ts';

const nowS = 1_790_000_000;

function info(changes: number, sinceS: number): string {
  return [
    '# Server',
    `server_time_usec:${nowS * 1_000_000}`,
    '# Persistence',
    `rdb_changes_since_last_save:${changes}`,
    `rdb_last_save_time:${nowS - sinceS}`,
    '',
  ].join('\r\n');
}

describe('what INFO says of saving', () => {
  it('is that a store with changes of hours ago does not', () => {
    expect(savesByInfo(info(5, 7_300))).toBe(false);
  });

  it.each([
    ['nothing has changed', info(0, 100_000)],
    ['the changes may be new', info(5, 7_100)],
    ['it says nothing', ''],
  ])('is nothing where %s', (_, text) => {
    expect(savesByInfo(text)).toBeNull();
  });
});
