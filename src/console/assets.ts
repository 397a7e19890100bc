import { readFile } from 'node:fs/promises';
import { createRequire, stripTypeScriptTypes } from 'node:module';
import { setImmediate } from 'node:timers/promises';
import { madeOnce, staticFile, type StaticFile } from '../edge/static-file.ts';
import { joinModules } from './modules.ts';

/** The browser's part of the console, in TypeScript. It imports the texts of first calls from `src/claims`. */
const folder = new URL('../../console/', import.meta.url);
const entry = 'main.ts';

const require = createRequire(import.meta.url);

export interface ConsoleAssets {
  script: StaticFile;
  style: StaticFile;
}

/** The script and the style of the pages, made when somebody first opens the console, and kept. */
export const consoleAssets = madeOnce(makeAssets);

async function makeAssets(): Promise<ConsoleAssets> {
  const [script, style] = await Promise.all([
    joinModules(entry, readModule),
    readFile(new URL('console.css', folder), 'utf8'),
  ]);
  return {
    script: await staticFile('console', 'js', { type: 'text/javascript; charset=UTF-8', text: script }),
    style: await staticFile('console', 'css', { type: 'text/css; charset=UTF-8', text: style }),
  };
}

/** A module of ours without its types, or a package as it is. */
async function readModule(id: string): Promise<string> {
  if (!id.endsWith('.ts')) return readFile(packageFile(id), 'utf8');
  const text = await readFile(new URL(id, folder), 'utf8');
  // All modules take a few hundred ms: requests and streams have their turn between two of them.
  await setImmediate();
  return withoutComments(withoutTypes(text));
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

/** Browsers have no use for comments. Only those that have lines to themselves go; no template of ours has such a line. */
function withoutComments(text: string): string {
  return text.replace(/^[ \t]*\/\*[\s\S]*?\*\/[ \t]*\n/gm, '').replace(/^[ \t]*\/\/.*\n/gm, '');
}
