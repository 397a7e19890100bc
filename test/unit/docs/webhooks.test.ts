import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { eventRows } from '../../support/event-table.ts';

const page = readFileSync(new URL('../../../docs/webhooks.md', import.meta.url), 'utf8');

it('docs/webhooks.md has a row for every type of event, with when it comes and all that its data has, and no other', () => {
  const rows = page.split('\n').filter((line) => /^\| `[a-z]+\.[a-z_]+` \| /.test(line));
  expect(rows).toEqual(eventRows());
});
