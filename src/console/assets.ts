import { readFileSync } from 'node:fs';
import { createRequire, stripTypeScriptTypes } from 'node:module';
import { staticFile, type StaticFile } from '../edge/static-file.ts';
import { joinModules } from './modules.ts';

/** The browser's part of the console, in TypeScript. */
const folder = new URL('../../console/', import.meta.url);
const entry = 'main.ts';

const require = createRequire(import.meta.url);

export interface ConsoleAssets {
  script: StaticFile;
  style: StaticFile;
}

let made: Promise<ConsoleAssets> | null = null;

/** The script and the style of the pages, made when somebody first opens the console, and kept. */
export function consoleAssets(): Promise<ConsoleAssets> {
  made ??= makeAssets().catch((error: unknown) => {
    made = null;
    throw error;
  });
  return made;
}

async function makeAssets(): Promise<ConsoleAssets> {
  const [script, style] = await Promise.all([
    staticFile('console', 'js', {
      type: 'text/javascript; charset=UTF-8',
      text: joinModules(entry, readModule),
    }),
    staticFile('console', 'css', {
      type: 'text/css; charset=UTF-8',
      text: readFileSync(new URL('console.css', folder), 'utf8'),
    }),
  ]);
  return { script, style };
}

/** A module of ours without its types, or a package as it is. */
function readModule(id: string): string {
  if (!id.endsWith('.ts')) return readFileSync(packageFile(id), 'utf8');
  return withoutComments(withoutTypes(readFileSync(new URL(id, folder), 'utf8')));
}

function packageFile(id: string): string {
  const file = require.resolve(id);
  // htm gives `require` another file than `import`, beside it.
  return id === 'htm' ? file.replace(/\.js$/, '.module.js') : file;
}

/** Node runs our server through the same function; it still warns once that it is experimental, in a log of JSON lines. */
function withoutTypes(text: string): string {
  const emitWarning = process.emitWarning.bind(process);
  process.emitWarning = () => undefined;
  try {
    return stripTypeScriptTypes(text);
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** Browsers have no use for comments. Only those that have lines to themselves go, so no text is taken for one. */
function withoutComments(text: string): string {
  return text.replace(/^[ \t]*\/\*[\s\S]*?\*\/[ \t]*\n/gm, '').replace(/^[ \t]*\/\/.*\n/gm, '');
}
