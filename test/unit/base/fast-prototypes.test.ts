import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';

const file = new URL('../../../src/base/fast-prototypes.ts', import.meta.url);

/** In a process of its own, in which nothing else has extended them yet. */
const program = `
  import { restoreFastPrototypes } from '${file.href}';
  const isFast = () => [String, Number].map(({ prototype }) => %HasFastProperties(prototype));
  class Text extends String {}
  class Figure extends Number {}
  const extended = isFast();
  restoreFastPrototypes();
  console.log(JSON.stringify([extended, isFast()]));
`;

it('the prototypes of texts and numbers, slow once a class extends them, are fast again', () => {
  const options = ['--allow-natives-syntax', '--input-type=module', '--eval', program];
  const said = execFileSync(process.execPath, options, { encoding: 'utf8' });
  expect(JSON.parse(said)).toEqual([
    [false, false],
    [true, true],
  ]);
});
