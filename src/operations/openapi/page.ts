import { hash } from 'node:crypto';
import { escaped } from '../../base/html.ts';
import type { OpenApiDocument, SchemaObject } from './document.ts';
import { type Listed, operationHtml } from './page-operation.ts';
import { schemaHtml } from './page-schema.ts';
import { style } from './page-style.ts';
import { inline, paragraphs } from './page-text.ts';

/** The headers of the page: no script, nothing loaded, only its own style. */
export const pageHeaders: Readonly<Record<string, string>> = {
  'content-security-policy': `default-src 'none'; style-src 'sha256-${hash('sha256', style, 'base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
};

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
