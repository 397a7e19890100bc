import { expect, it } from 'vitest';
import { engines, hasValkey } from './engines.ts';

if (!hasValkey) console.info('Valkey: skipped, since there is no valkey-server on the PATH.');

it('runs the contract suites on every engine there is', () => {
  const valkey = hasValkey ? ['Valkey'] : [];
  expect(engines.map(({ name }) => name)).toEqual(['embedded', 'Redis', ...valkey]);
});
