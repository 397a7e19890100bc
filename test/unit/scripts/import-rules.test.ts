import { describe, expect, it } from 'vitest';
import { checkImports } from '../../../scripts/import-rules.ts';

/** `file:line` and the message of every violation in a small tree. */
function violations(files: Record<string, string>): string[] {
  const found = checkImports(new Map(Object.entries(files)));
  return found.map(({ file, line, message }) => `${file}:${line} ${message}`);
}

describe('floors', () => {
  it('a room may import itself and every lower floor', () => {
    expect(
      violations({
        'limits/a.ts': "import { b } from './b.ts';\nimport type { C } from '../base/c.ts';",
        'limits/b.ts': "import { x } from 'zod';\nimport { d } from '../ledger/d.ts';",
        'base/c.ts': '',
        'ledger/d.ts': '',
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
  ])('a room may not import one above it: %s', (_what, text) => {
    const [only, ...rest] = violations({ 'limits/a.ts': `\n${text}`, 'proxy/b.ts': '' });
    expect(only).toMatch(
      /^limits\/a\.ts:[25] limits \(floor 4\) imports proxy\/b\.ts \(floor 6\): a room above it$/,
    );
    expect(rest).toEqual([]);
  });

  it('a room may not import another on its own floor', () => {
    expect(violations({ 'limits/a.ts': "import { b } from '../access/b.ts';", 'access/b.ts': '' })).toEqual([
      'limits/a.ts:1 limits (floor 4) imports access/b.ts (floor 4): a room on its own floor',
    ]);
  });

  it('a folder of identity may import lower folders only', () => {
    const files = {
      'identity/records/a.ts': "import { c } from '../operations/c.ts';",
      'identity/schemas/b.ts': "import { a } from '../records/a.ts';",
      'identity/operations/c.ts': "import { d } from './d.ts';\nimport { b } from '../schemas/b.ts';",
      'identity/operations/d.ts': '',
    };
    expect(violations(files)).toContain(
      'identity/records/a.ts:1 identity/records/a.ts imports identity/operations/c.ts: a folder above it in identity',
    );
    expect(violations(files).filter((text) => text.includes('a folder above'))).toHaveLength(1);
  });

  it.each(['main.ts', 'app.ts', 'wire.ts', 'demo/main.ts', 'demo/start.ts'])(
    '%s stands above every room',
    (file) => {
      const up = '../'.repeat(file.split('/').length - 1) || './';
      const text = `import { a } from '${up}admin/a.ts';\nimport { s } from '${up}serve.ts';`;
      expect(violations({ [file]: text, 'admin/a.ts': '', 'serve.ts': '' })).toEqual([]);
    },
  );

  it.each(['cli', 'demo'])('%s imports nothing that stands directly in src', (room) => {
    expect(violations({ [`${room}/a.ts`]: "import { w } from '../wire.ts';", 'wire.ts': '' })).toHaveLength(
      1,
    );
  });

  it('a folder without a floor is named', () => {
    expect(violations({ 'utils/a.ts': '' })).toEqual(['utils/a.ts:1 utils has no floor']);
  });

  it('nothing stands directly in src but what puts the rooms together', () => {
    expect(violations({ 'usage.ts': '' })).toEqual([
      expect.stringMatching(/^usage\.ts:1 only main\.ts, .* stand in src\/$/),
    ]);
  });

  it('nothing outside src is imported but data', () => {
    const text =
      "import a from '../../config/models.json' with { type: 'json' };\nimport b from '../../test/b.ts';";
    expect(violations({ 'config/a.ts': text })).toEqual(['config/a.ts:2 ../../test/b.ts is outside src']);
  });

  it.each(['access/index.ts', 'base/index.ts'])('there is no %s', (file) => {
    expect(violations({ [file]: '' })).toHaveLength(1);
  });
});

describe('cycles', () => {
  it('are found, once each, with the way round', () => {
    const files = {
      'access/a.ts': "import { b } from './b.ts';",
      'access/b.ts': "\nimport { c } from './c.ts';",
      'access/c.ts': "import { a } from './a.ts';",
      'access/d.ts': "import { a } from './a.ts';",
    };
    expect(violations(files)).toEqual([
      'access/c.ts:1 import cycle: access/a.ts → access/b.ts → access/c.ts → access/a.ts',
    ]);
  });

  it('are not seen where two ways lead to one file', () => {
    const files = {
      'access/a.ts': "import { b } from './b.ts';\nimport { c } from './c.ts';",
      'access/b.ts': "import { c } from './c.ts';",
      'access/c.ts': '',
    };
    expect(violations(files)).toEqual([]);
  });
});

describe('what has one place', () => {
  it.each([
    ['process.env', "const a = process.env['A'];", 'config/a.ts'],
    ['process.env', 'const { A } = process.env;', 'cli/main.ts'],
    ['the environment by import', "import { env } from 'node:process';", 'main.ts'],
    ['ioredis', "import { Redis } from 'ioredis';", 'store/redis.ts'],
    ['wasmoon', "import { LuaFactory } from 'wasmoon';", 'store/embedded/lua-stack.ts'],
    ['undici', "import { Pool } from 'undici';", 'upstream/pool.ts'],
    ['the wall clock', 'const now = Date.now();', 'base/clock.ts'],
    ['the monotonic clock', 'const now = performance.now();', 'base/clock.ts'],
    ['a date of now', 'const now = new Date();', 'base/clock.ts'],
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
