import { readFileSync } from 'node:fs';
import { createRequire, stripTypeScriptTypes } from 'node:module';
import { parentPort } from 'node:worker_threads';
import { joinModules } from './modules.ts';

/* Reads and joins the pages' modules. It takes a good part of a second, so it has a thread of its own. */

/** The browser's part of the console, in TypeScript. */
const folder = new URL('../../console/', import.meta.url);

/** The script and the style of the pages. */
export interface JoinedPages {
  script: string;
  style: string;
}

const require = createRequire(import.meta.url);
// Node runs our server through the same function; it still warns that it is experimental, in a log of JSON lines.
process.emitWarning = () => undefined;

const joined: JoinedPages = {
  script: joinModules('main.ts', readModule),
  style: readFileSync(new URL('console.css', folder), 'utf8'),
};
parentPort?.postMessage(joined);

/** A module of ours without its types, or a package as it is. */
function readModule(id: string): string {
  if (!id.endsWith('.ts')) return readFileSync(packageFile(id), 'utf8');
  return withoutComments(stripTypeScriptTypes(readFileSync(new URL(id, folder), 'utf8')));
}

function packageFile(id: string): string {
  const file = require.resolve(id);
  // htm gives `require` another file than `import`, beside it.
  return id === 'htm' ? file.replace(/\.js$/, '.module.js') : file;
}

/** Browsers have no use for comments. Only those that have lines to themselves go, so no text is taken for one. */
function withoutComments(text: string): string {
  return text.replace(/^[ \t]*\/\*[\s\S]*?\*\/[ \t]*\n/gm, '').replace(/^[ \t]*\/\/.*\n/gm, '');
}
