import { hash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadScript } from '../../../src/store/script.ts';

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'tollgate-lua-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

function fileWith(name: string, text: string): URL {
  const path = join(directory, name);
  writeFileSync(path, text);
  return pathToFileURL(path);
}

it('puts included files in place of their lines, also what they include, each once', () => {
  fileWith('one.lua', 'local one = 1\n');
  fileWith('two.lua', '-- include: one.lua\nlocal two = 2 * one\n');
  const text = '#!lua flags=no-writes\n-- include: two.lua\n-- include: one.lua\nreturn one + two\n';
  const { name, source, sha } = loadScript(fileWith('sum.lua', text));
  expect(name).toBe('sum');
  expect(source).toBe('#!lua flags=no-writes\nlocal one = 1\nlocal two = 2 * one\n\nreturn one + two\n');
  expect(sha).toBe(hash('sha1', source));
});

it('survives files that include each other', () => {
  fileWith('left.lua', '-- include: right.lua\nlocal left\n');
  fileWith('right.lua', '-- include: left.lua\nlocal right\n');
  expect(loadScript(new URL('left.lua', pathToFileURL(`${directory}/`))).source).toBe(
    '\nlocal right\nlocal left\n',
  );
});

it('fails where an included file is missing, naming it', () => {
  expect(() => loadScript(fileWith('lost.lua', '-- include: nowhere.lua\n'))).toThrow(/nowhere\.lua/);
});
