import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { Refusal } from '../base/refusal.ts';
import { htmlReply, type Reply } from '../edge/answers.ts';
import type { Call } from '../edge/call.ts';
import { madeOnce, staticFile, type StaticFile, staticReply } from '../edge/static-file.ts';

/* `/docs`: the API's description, shown by Swagger UI. */

/** Where its files are; a path below has their name. */
export const referenceFiles = '/docs/assets/';

/**
 * Only the gateway's own files, and requests only to the gateway. Pictures in the style are data. Without Trusted Types:
 * Swagger UI cleans markup with DOMPurify, and sets it as a text.
 */
const headers: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    'img-src data:',
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'cache-control': 'no-cache',
  'cross-origin-opener-policy': 'same-origin',
};

interface Files {
  script: StaticFile;
  style: StaticFile;
}

/** Read and compressed when somebody first opens the page, and kept. */
const files = madeOnce(makeFiles);

async function makeFiles(): Promise<Files> {
  const [library, own, itsStyle, ownStyle] = await Promise.all([
    ofLibrary('swagger-ui-bundle.js'),
    ours('reference.js'),
    ofLibrary('swagger-ui.css'),
    ours('reference.css'),
  ]);
  const [script, style] = await Promise.all([
    // Names of our script are its own.
    staticFile('docs', 'js', {
      type: 'text/javascript; charset=UTF-8',
      text: `${withoutMap(library)}\n(() => {\n${own}})();\n`,
    }),
    staticFile('docs', 'css', {
      type: 'text/css; charset=UTF-8',
      text: `${withoutMap(itsStyle)}\n${ownStyle}`,
    }),
  ]);
  return { script, style };
}

const require = createRequire(import.meta.url);

function ofLibrary(name: string): Promise<string> {
  return readFile(require.resolve(`swagger-ui-dist/${name}`), 'utf8');
}

function ours(name: string): Promise<string> {
  return readFile(new URL(`../../pages/${name}`, import.meta.url), 'utf8');
}

/** The map is not served. */
function withoutMap(text: string): string {
  return text.replace(/\n?(?:\/\/|\/\*)# sourceMappingURL=.*\s*$/, '');
}

/** The page. What it shows comes from `/openapi.json`. */
export async function referencePage(): Promise<Reply> {
  const { script, style } = await files();
  const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Tollgate: the API</title>
<link rel="stylesheet" href="${referenceFiles}${style.name}">
<script defer src="${referenceFiles}${script.name}"></script>
<body>
<header class="bar">
<a href="#operations" class="skip">Skip to the operations</a>
<nav aria-label="Tollgate"><a href="/">Tollgate</a> <a href="/console">Console</a> <a href="/openapi.json">openapi.json</a></nav>
<p id="who" role="status"></p>
</header>
<div id="reference"><noscript><p>This page needs JavaScript. Without it, <a href="/openapi.json">/openapi.json</a> says the same.</p></noscript></div>
</html>
`;
  return htmlReply(page, headers);
}

/** One of its files. */
export async function referenceFile({ path, incoming }: Call): Promise<Reply> {
  const { script, style } = await files();
  const name = path.slice(referenceFiles.length);
  const file = [script, style].find((each) => each.name === name);
  if (file) return staticReply(file, incoming.headers['accept-encoding']);
  return new Refusal(
    'not_found',
    'There is no such file: the gateway may have been updated. Load the page again.',
  );
}
