import { dirname, join, normalize } from 'node:path/posix';

/** Source texts by path relative to `src/`. */
export type SourceTree = ReadonlyMap<string, string>;

export interface Violation {
  file: string;
  line: number;
  message: string;
}

interface Import {
  specifier: string;
  line: number;
}

/**
 * The rooms of `src/` by floor, the lowest first. A room imports rooms on lower floors only: never its own floor, never
 * above. `docs/architecture.md` has the same picture.
 */
export const floors: readonly (readonly string[])[] = [
  ['base'],
  ['store', 'observability', 'config', 'memory'],
  ['audit', 'lifecycle', 'telemetry'],
  ['identity', 'ledger', 'events'],
  ['access', 'limits', 'reports', 'upstream', 'validation'],
  ['edge', 'models', 'records', 'webhooks'],
  ['sessions', 'claims', 'backup', 'proxy', 'monitors'],
  ['data-plane', 'operations', 'sign-in', 'leaks'],
  ['admin', 'doctor'],
  ['console'],
  ['cli', 'demo', 'composition'],
];

/** The folders of a room that is large enough to have floors of its own, the lowest first. */
const innerFloors: Readonly<Record<string, readonly string[]>> = {
  identity: ['records', 'schemas', 'store', 'operations'],
};

/** The files directly in `src/`: they stand above every floor and put the rooms together. */
const topFiles = ['main.ts', 'serve.ts', 'wire.ts', 'app.ts'];

/** These start the gateway of `serve.ts`, so they stand above it. */
const starters = /^demo\/(?:main|start)\.ts$/;

/** What is said or imported in one place only, and where. */
const confined: readonly { pattern: RegExp; allowed: RegExp; message: string }[] = [
  {
    pattern: /\bprocess\.env\b|\bimport\s*\{[^}]*\benv\b[^}]*\}\s*from\s*'(?:node:)?process'/g,
    allowed: /^(?:config\/.+|(?:cli\/|demo\/)?main\.ts)$/,
    message: 'process.env is read in src/config and the entry points only: pass the value down',
  },
  {
    pattern: /\bDate\.now\s*\(|\bperformance\.now\s*\(|\bprocess\.hrtime\b|\bnew Date\s*(?:\(\s*\)|;)/g,
    allowed: /^base\/clock\.ts$/,
    message: 'the clock is read in src/base/clock.ts only: take a Clock or a time as an argument',
  },
];

const confinedPackages: readonly { name: string; allowed: RegExp; place: string }[] = [
  {
    name: 'ioredis',
    allowed: /^store\/(?:redis|script-command)\.ts$/,
    place: 'src/store/redis.ts and script-command.ts',
  },
  {
    name: 'wasmoon',
    allowed: /^store\/embedded\//,
    place: 'src/store/embedded',
  },
  { name: 'pg', allowed: /^records\/database\.ts$/, place: 'src/records/database.ts' },
  { name: 'node-pg-migrate', allowed: /^records\/migrate\.ts$/, place: 'src/records/migrate.ts' },
  {
    name: 'undici',
    allowed: /^(?:upstream\/|webhooks\/post\.ts$)/,
    place: 'src/upstream and src/webhooks/post.ts',
  },
  {
    name: '@opentelemetry',
    allowed: /^telemetry\/(?:telemetry|spans|metric-points)\.ts$/,
    place: 'src/telemetry',
  },
  {
    name: 'oauth4webapi',
    allowed: /^console\/(?:oidc-client|provider-trouble)\.ts$/,
    place: 'src/console/oidc-client.ts and provider-trouble.ts',
  },
];

/** Everything in the tree that breaks the layering, by file and line. */
export function checkImports(tree: SourceTree): Violation[] {
  const imports = new Map<string, Import[]>();
  const violations: Violation[] = [];
  for (const [file, text] of tree) {
    const code = withoutComments(text);
    const found = importsOf(code);
    imports.set(file, found);
    violations.push(...barrelIn(file), ...strayIn(file), ...confinedIn(file, code));
    for (const each of found) violations.push(...checkImport(file, each));
  }
  violations.push(...cycles(tree, imports));
  return violations.sort((a, b) => a.file.localeCompare(b.file) || a.line - b.line);
}

function barrelIn(file: string): Violation[] {
  const isBarrel = /(?:^|\/)index\.ts$/.test(file);
  return isBarrel ? [{ file, line: 1, message: 'no index.ts: import the file that has it' }] : [];
}

function confinedIn(file: string, code: string): Violation[] {
  return confined
    .filter(({ allowed }) => !allowed.test(file))
    .flatMap(({ pattern, message }) =>
      [...code.matchAll(pattern)].map(({ index }) => ({ file, line: lineAt(code, index), message })),
    );
}

function checkImport(file: string, { specifier, line }: Import): Violation[] {
  const violation = (message: string): Violation[] => [{ file, line, message }];
  if (!specifier.startsWith('.')) {
    const misplaced = confinedPackages.find(
      ({ name, allowed }) => (specifier === name || specifier.startsWith(`${name}/`)) && !allowed.test(file),
    );
    return misplaced ? violation(`${misplaced.name} is imported in ${misplaced.place} only`) : [];
  }
  const target = resolve(file, specifier);
  if (target.startsWith('..')) {
    return target.endsWith('.json') ? [] : violation(`${specifier} is outside src`);
  }
  const [from, to] = [roomOf(file), roomOf(target)];
  const [fromFloor, toFloor] = [floorOf(file), floorOf(target)];
  if (from === to && innerFloorOf(target) > innerFloorOf(file)) {
    return violation(`${file} imports ${target}: a folder above it in ${from}`);
  }
  if (from === to || toFloor < fromFloor || (isTop(file) && isTop(target))) return [];
  const where = toFloor === fromFloor ? 'a room on its own floor' : 'a room above it';
  return violation(`${from} (floor ${fromFloor}) imports ${target} (floor ${toFloor}): ${where}`);
}

function strayIn(file: string): Violation[] {
  const isKnown = file.includes('/')
    ? floors.some((rooms) => rooms.includes(roomOf(file)))
    : topFiles.includes(file);
  if (isKnown) return [];
  const message = file.includes('/')
    ? `${roomOf(file)} has no floor`
    : `only ${topFiles.join(', ')} stand in src/`;
  return [{ file, line: 1, message }];
}

/** One violation for each cycle, at the import that closes it. */
function cycles(tree: SourceTree, imports: ReadonlyMap<string, Import[]>): Violation[] {
  const found: Violation[] = [];
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): void => {
    path.push(file);
    for (const { specifier, line } of imports.get(file) ?? []) {
      const target = specifier.startsWith('.') ? resolve(file, specifier) : '';
      if (path.includes(target)) {
        const round = [...path.slice(path.indexOf(target)), target];
        found.push({ file, line, message: `import cycle: ${round.join(' → ')}` });
      } else if (tree.has(target) && !done.has(target)) visit(target);
    }
    path.pop();
    done.add(file);
  };
  for (const file of tree.keys()) {
    if (!done.has(file)) visit(file);
  }
  return found;
}

function importsOf(code: string): Import[] {
  const statements = /\b(?:import|export)\b(?:[\w\s{},*$]*\bfrom)?\s*\(?\s*['"]([^'"\n]+)['"]/g;
  return [...code.matchAll(statements)].map((match) => ({
    specifier: match[1] ?? '',
    line: lineAt(code, match.index + match[0].length),
  }));
}

/** Comments blanked, lines kept. Good enough for code that is formatted and linted: no parser needed. */
function withoutComments(text: string): string {
  const blank = (comment: string): string => comment.replace(/[^\n]/g, ' ');
  return text.replace(/(?<=^|\s)\/\*[^]*?\*\//g, blank).replace(/(?<=^|\s)\/\/.*$/gm, blank);
}

function resolve(file: string, specifier: string): string {
  return normalize(join(dirname(file), specifier));
}

/** The room a file is in; a file of `src/` itself is its own. */
function roomOf(file: string): string {
  return file.split('/')[0] ?? '';
}

function isTop(file: string): boolean {
  return !file.includes('/');
}

function floorOf(file: string): number {
  if (starters.test(file)) return floors.length + 1;
  const floor = floors.findIndex((rooms) => rooms.includes(roomOf(file)));
  return floor === -1 ? floors.length : floor;
}

/** 0 in a room without inner floors; above all of them for a file outside their folders. */
function innerFloorOf(file: string): number {
  const [room = '', folder = ''] = file.split('/');
  const inner = innerFloors[room] ?? [];
  const floor = inner.indexOf(folder);
  return floor === -1 ? inner.length : floor;
}

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length;
}
