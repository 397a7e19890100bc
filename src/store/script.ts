import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

/** A Lua script and its SHA-1, by which Redis knows it once it has seen it. */
export interface Script {
  /** For metrics: the file's name. */
  name: string;
  source: string;
  sha: string;
}

/** A line such as `-- include: ../store/lua/now.lua`: the path is relative to the file that has it. */
const includeLine = /^-- include: (\S+)$/gm;

/**
 * Reads a Lua file beside the caller: `loadScript(new URL('./admit.lua', import.meta.url))`. Included files are put in
 * place of their line, each once, however many files include it. The first line, which has the flags, stays the first.
 */
export function loadScript(file: URL): Script {
  return scriptOf(basename(file.pathname, '.lua'), withIncludes(file, new Set()));
}

/** A script from its text. */
export function scriptOf(name: string, source: string): Script {
  return { name, source, sha: hash('sha1', source) };
}

function withIncludes(file: URL, seen: Set<string>): string {
  seen.add(file.href);
  return readFileSync(file, 'utf8').replace(includeLine, (_line, path: string) => {
    const included = new URL(path, file);
    return seen.has(included.href) ? '' : withIncludes(included, seen).trimEnd();
  });
}
