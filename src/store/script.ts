import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

/** A Lua script and its SHA-1, by which Redis can run it after the first time. */
export interface Script {
  /** For metrics: the file's name. */
  name: string;
  source: string;
  sha: string;
}

/** A line such as `-- include: ../store/lua/now.lua`. The path is relative to the file with this line. */
const includeLine = /^ *-- include: (\S+)$/gm;

/**
 * Reads a Lua file next to the caller: `loadScript(new URL('./admit.lua', import.meta.url))`. Each included file
 * replaces the first line that includes it; later ones are removed. The first line, which has the flags, stays first.
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
