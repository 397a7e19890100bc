import { hash } from 'node:crypto';
import { escaped } from '../../base/html.ts';
import type { DocumentedRoute } from '../../base/operation-docs.ts';
import { version } from '../version.ts';
import type { OpenApiDocument, SchemaObject } from './document.ts';
import { openApiDocument } from './openapi.ts';
import { type Listed, operationHtml } from './page-operation.ts';
import { schemaHtml, inline, paragraphs } from './page-schema.ts';

/** Wide enough for a page beside its contents, or one above the other; light or dark as the reader has it. */
const style = `
  :root { color-scheme: light dark; --soft: light-dark(#f4f4f5, #26262b); --line: light-dark(#d4d4d8, #3f3f46); --quiet: light-dark(#52525b, #a1a1aa); }
  body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; padding: 1rem; max-width: 80rem; }
  code { background: var(--soft); border-radius: 4px; padding: 0 .25rem; overflow-wrap: anywhere; }
  pre { background: var(--soft); border-radius: 4px; padding: .5rem .75rem; overflow-x: auto; }
  h3 code { background: none; padding: 0; font-size: 1rem; }
  small, .type { color: var(--quiet); }
  nav ul { list-style: none; padding: 0; }
  nav h2 { font-size: 1rem; margin: 1rem 0 0; }
  nav a { overflow-wrap: anywhere; }
  article { border-top: 1px solid var(--line); padding: .5rem 0; scroll-margin-top: 1rem; }
  p { margin: .5rem 0; overflow-wrap: anywhere; }
  dl { margin: .5rem 0; }
  dd { margin: 0 0 .5rem; padding-left: .75rem; border-left: 2px solid var(--line); }
  dd > p { margin: .125rem 0; }
  .skip { position: absolute; left: -999rem; }
  .skip:focus { position: static; }
  @media (min-width: 60rem) {
    body { display: grid; grid-template-columns: 20rem minmax(0, 1fr); column-gap: 2rem; }
    header, .skip { grid-column: 1 / -1; }
    nav { position: sticky; top: 0; max-height: 100vh; overflow-y: auto; font-size: .875rem; }
  }
`;

/** The headers of the page: no script, nothing loaded, only its own style. */
export const pageHeaders: Readonly<Record<string, string>> = {
  'content-security-policy': `default-src 'none'; style-src 'sha256-${hash('sha256', style, 'base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
};

/** The API's description: an OpenAPI document, and the same as a page. Each is made on first use and kept. */
export class Description {
  readonly #routes: () => readonly DocumentedRoute[];
  #document: OpenApiDocument | null = null;
  #json: string | null = null;
  #etag: string | null = null;
  #page: string | null = null;

  constructor(routes: () => readonly DocumentedRoute[]) {
    this.#routes = routes;
  }

  get json(): string {
    return (this.#json ??= JSON.stringify(this.#made()));
  }

  /** Changes with the document. Strong: the same text at every byte. */
  get etag(): string {
    return (this.#etag ??= `"${hash('sha256', this.json, 'base64url').slice(0, 22)}"`);
  }

  get page(): string {
    return (this.#page ??= descriptionPage(this.#made()));
  }

  #made(): OpenApiDocument {
    return (this.#document ??= openApiDocument({ version, routes: this.#routes() }));
  }
}

interface Group {
  name: string;
  description: string;
  operations: readonly Listed[];
}

/** The description of the API for people: the document as a page of HTML. */
export function descriptionPage(document: OpenApiDocument): string {
  const { info, components } = document;
  const groups = groupsIn(document);
  const title = `${escaped(info.title)} ${escaped(info.version)}: the API`;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${style}</style>
<a class="skip" href="#operations">Skip to the operations</a>
<header>
<h1>${title}</h1>
<p>${escaped(info.summary)}</p>
${paragraphs(info.description)}
<p>For programs: <a href="/openapi.json">/openapi.json</a> (OpenAPI 3.1).</p>
</header>
<nav aria-label="Operations">
${groups.map(contentsHtml).join('\n')}
<h2>Reference</h2>
<ul>
<li><a href="#credentials">Credentials</a></li>
<li><a href="#headers">Headers of answers</a></li>
<li><a href="#schema-Error">The shape of errors</a>, <a href="#schema-ErrorCode">their codes</a></li>
<li><a href="#schemas">Schemas</a></li>
</ul>
</nav>
<main id="operations">
${groups.map((group) => groupHtml(group, components)).join('\n')}
<section>
<h2 id="credentials">Credentials</h2>
${definitions(components.securitySchemes)}
</section>
<section>
<h2 id="headers">Headers of answers</h2>
${definitions(components.headers)}
</section>
<section>
<h2 id="schemas">Schemas</h2>
${Object.entries(components.schemas).map(namedHtml).join('\n')}
</section>
</main>
</html>
`;
}

function groupsIn({ tags, paths }: OpenApiDocument): Group[] {
  const all = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
  return tags.map((tag) => ({
    ...tag,
    operations: all.filter(({ operation }) => operation.tags.includes(tag.name)),
  }));
}

function contentsHtml({ name, operations }: Group): string {
  return `<h2>${escaped(name)}</h2>
<ul>
${operations.map(linkTo).join('\n')}
</ul>`;
}

function linkTo({ method, path, operation: { operationId } }: Listed): string {
  return `<li><a href="#${escaped(operationId)}"><b>${escaped(method)}</b> ${escaped(path)}</a></li>`;
}

function groupHtml(
  { name, description, operations }: Group,
  { responses }: OpenApiDocument['components'],
): string {
  return `<section>
<h2>${escaped(name)}</h2>
<p>${escaped(description)}</p>
${operations.map((listed) => operationHtml(listed, responses)).join('\n')}
</section>`;
}

function namedHtml([name, schema]: [string, SchemaObject]): string {
  return `<article id="schema-${escaped(name)}">
<h3>${escaped(name)}</h3>
${schemaHtml(schema)}
</article>`;
}

/** Names with their descriptions. */
function definitions(named: Readonly<Record<string, { description: string }>>): string {
  const items = Object.entries(named).map(
    ([name, { description }]) => `<dt><code>${escaped(name)}</code></dt>\n<dd>${inline(description)}</dd>`,
  );
  return `<dl>\n${items.join('\n')}\n</dl>`;
}
