import { posix } from 'node:path';

/*
 * The pages' modules as one script, so that the first view needs one request for all of them, and nobody who runs the
 * gateway needs a build step (docs/decisions/0019). Each module becomes a function that returns what it exports; no
 * two share a name. Only the forms of import and export that our modules and those of Preact and htm have are known;
 * another one is an error, at start and in the tests.
 */

/** Reads a module's JavaScript. `id` is a path such as `views/team.ts`, or the name of a package. */
export type ReadModule = (id: string) => Promise<string>;

const importLine =
  /^[ \t]*import\s*(?:\{(?<names>[^}]*)\}|(?<whole>[A-Za-z_$][\w$]*))?\s*(?:from\s*)?["'](?<from>[^"']+)["'];?/gm;
const exportList = /\bexport\s*\{(?<names>[^}]*)\};?/g;
const exportDeclaration =
  /^export (?<declaration>(?:async )?function\*?|const|class) (?<name>[A-Za-z_$][\w$]*)/gm;
const exportDefault = /\bexport default /g;

/** All modules that the entry needs, the entry last, as one script. Rejects if modules import each other in a circle. */
export async function joinModules(entry: string, read: ReadModule): Promise<string> {
  const names = new Map<string, string>();
  const parts: string[] = [];

  async function add(id: string, chain: readonly string[]): Promise<void> {
    if (names.has(id)) return;
    if (chain.includes(id)) throw new Error(`Modules import each other: ${[...chain, id].join(' → ')}`);
    const source = await read(id);
    for (const from of importsIn(source)) await add(resolved(id, from), [...chain, id]);
    const { text, exported } = rewritten(source, (from) => names.get(resolved(id, from)) ?? '');
    const name = `$${names.size}`;
    names.set(id, name);
    parts.push(`const ${name} = (() => {\n${text}\nreturn { ${exported.join(', ')} };\n})();`);
  }

  await add(entry, []);
  return `'use strict';\n${parts.join('\n')}\n`;
}

function resolved(importer: string, from: string): string {
  return from.startsWith('.') ? posix.join(posix.dirname(importer), from) : from;
}

function importsIn(source: string): string[] {
  return [...source.matchAll(importLine)].map(({ groups }) => groups?.['from'] ?? '');
}

function rewritten(
  source: string,
  nameOf: (from: string) => string,
): { text: string; exported: readonly string[] } {
  const exported: string[] = [];
  const text = source
    .replace(/^\/\/# sourceMappingURL=.*$/gm, '')
    .replace(importLine, (...match) => {
      const { names, whole, from } = groupsOf(match);
      const module = nameOf(from ?? '');
      if (whole !== undefined) return `const ${whole} = ${module}.default;`;
      return names === undefined ? '' : `const { ${renamed(names, ': ')} } = ${module};`;
    })
    .replace(exportList, (...match) => {
      for (const [inner, outer] of namesIn(groupsOf(match)['names'] ?? ''))
        exported.push(`${outer}: ${inner}`);
      return '';
    })
    .replace(exportDeclaration, (...match) => {
      const { declaration, name } = groupsOf(match);
      exported.push(name ?? '');
      return `${declaration} ${name}`;
    })
    .replace(exportDefault, () => {
      exported.push('default: $default');
      return 'const $default = ';
    });
  const left = /^\s*(?:import|export)\b.*/m.exec(text);
  if (left) throw new Error(`This form of import or export is not known: ${left[0].slice(0, 100)}`);
  return { text, exported };
}

function renamed(names: string, to: string): string {
  return namesIn(names)
    .map(([outer, inner]) => (outer === inner ? outer : `${outer}${to}${inner}`))
    .join(', ');
}

/** `a as b, c` → [a, b], [c, c]. */
function namesIn(names: string): (readonly [string, string])[] {
  return names
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '')
    .map((each) => {
      const [first = '', second = first] = each.split(/\s+as\s+/);
      return [first, second] as const;
    });
}

/** The named groups of a match: the last argument of a replacer. */
function groupsOf(match: readonly unknown[]): Partial<Record<string, string>> {
  return match.at(-1) as Partial<Record<string, string>>;
}
