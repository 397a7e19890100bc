import { describe, expect, it } from 'vitest';
import { checkImports } from '../../../scripts/import-rules.ts';

/** `file:line` and the message of every violation in a small tree. */
function violations(files: Record<string, string>): string[] {
  const found = checkImports(new Map(Object.entries(files)));
  return found.map(({ file, line, message }) => `${file}:${line} ${message}`);
}

describe('layers', () => {
  it('a feature may import core and itself', () => {
    expect(
      violations({
        'auth/a.ts': "import { b } from './b.ts';\nimport type { C } from '../core/c.ts';",
        'auth/b.ts': "import { x } from 'zod';",
        'core/c.ts': '',
      }),
    ).toEqual([]);
  });

  it.each([
    ['an import', "import { b } from '../proxy/b.ts';"],
    ['a type', "import type { B } from '../proxy/b.ts';"],
    ['a bare import', "import '../proxy/b.ts';"],
    ['an import at run time', "const b = await import('../proxy/b.ts');"],
    ['an export', "export { b } from '../proxy/b.ts';"],
    ['an export of everything', "export * from '../proxy/b.ts';"],
    ['several lines', "import {\n  a,\n  type B,\n} from '../proxy/b.ts';"],
  ])('a feature may not import another: %s', (_what, text) => {
    const [only, ...rest] = violations({ 'auth/a.ts': `\n${text}`, 'proxy/b.ts': '' });
    expect(only).toMatch(/^auth\/a\.ts:[25] auth imports core and itself only, not proxy\/b\.ts$/);
    expect(rest).toEqual([]);
  });

  it('core imports core only', () => {
    expect(violations({ 'core/a.ts': "import { b } from '../auth/b.ts';", 'auth/b.ts': '' })).toEqual([
      'core/a.ts:1 core imports core only, not auth/b.ts',
    ]);
  });

  it.each(['main.ts', 'app.ts', 'wire.ts', 'cli/main.ts', 'cli/table.ts', 'demo/main.ts'])(
    '%s may compose',
    (file) => {
      const up = '../'.repeat(file.split('/').length - 1) || './';
      expect(violations({ [file]: `import { a } from '${up}auth/a.ts';`, 'auth/a.ts': '' })).toEqual([]);
    },
  );

  it('no feature imports what composes it', () => {
    expect(violations({ 'auth/a.ts': "import { w } from '../wire.ts';", 'wire.ts': '' })).toHaveLength(1);
  });

  it('the rest of the demo composes nothing', () => {
    expect(violations({ 'demo/a.ts': "import { a } from '../auth/a.ts';", 'auth/a.ts': '' })).toHaveLength(1);
  });

  it('nothing outside src is imported but data', () => {
    const text =
      "import a from '../../config/models.json' with { type: 'json' };\nimport b from '../../test/b.ts';";
    expect(violations({ 'config/a.ts': text })).toEqual(['config/a.ts:2 ../../test/b.ts is outside src']);
  });

  it.each(['auth/index.ts', 'index.ts'])('there is no %s', (file) => {
    expect(violations({ [file]: '' })).toHaveLength(1);
  });
});

describe('cycles', () => {
  it('are found, once each, with the way round', () => {
    const files = {
      'auth/a.ts': "import { b } from './b.ts';",
      'auth/b.ts': "\nimport { c } from './c.ts';",
      'auth/c.ts': "import { a } from './a.ts';",
      'auth/d.ts': "import { a } from './a.ts';",
    };
    expect(violations(files)).toEqual([
      'auth/c.ts:1 import cycle: auth/a.ts → auth/b.ts → auth/c.ts → auth/a.ts',
    ]);
  });

  it('are not seen where two ways lead to one file', () => {
    const files = {
      'auth/a.ts': "import { b } from './b.ts';\nimport { c } from './c.ts';",
      'auth/b.ts': "import { c } from './c.ts';",
      'auth/c.ts': '',
    };
    expect(violations(files)).toEqual([]);
  });
});

describe('what has one place', () => {
  it.each([
    ['process.env', "const a = process.env['A'];", 'config/a.ts'],
    ['process.env', 'const { A } = process.env;', 'cli/main.ts'],
    ['the environment by import', "import { env } from 'node:process';", 'main.ts'],
    ['ioredis', "import { Redis } from 'ioredis';", 'core/redis.ts'],
    ['undici', "import { Pool } from 'undici';", 'proxy/pool.ts'],
    ['the wall clock', 'const now = Date.now();', 'core/clock.ts'],
    ['the monotonic clock', 'const now = performance.now();', 'core/clock.ts'],
    ['a date of now', 'const now = new Date();', 'core/clock.ts'],
  ])('%s', (_what, text, home) => {
    expect(violations({ [home]: text })).toEqual([]);
    expect(violations({ 'ledger/a.ts': `\n${text}` })).toEqual([expect.stringMatching(/^ledger\/a\.ts:2 /)]);
  });

  it('a date made of a time given is nobody’s clock', () => {
    expect(violations({ 'ledger/a.ts': 'const day = new Date(ms).toISOString();' })).toEqual([]);
  });

  it('may be spoken of in comments', () => {
    const text =
      "/** Like Date.now() */\n// process.env\n/*\n * new Date()\n */\nconst a = 1; // import 'undici'";
    expect(violations({ 'ledger/a.ts': text })).toEqual([]);
  });

  it('a slash in a text begins no comment', () => {
    const text = "const url = 'https://host'; const now = Date.now();\nconst all = '*/*';";
    expect(violations({ 'ledger/a.ts': text })).toHaveLength(1);
  });
});
