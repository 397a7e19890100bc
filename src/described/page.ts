import { hash } from 'node:crypto';
import { escaped } from '../core/html.ts';
import {
  nameIn,
  type OpenApiDocument,
  type OperationObject,
  type ParameterObject,
  type Reference,
  type ResponseObject,
} from './document.ts';
import { contentHtml, schemaHtml } from './page-schema.ts';
import { style } from './page-style.ts';

/** The headers of the page: no script, no load from anywhere, and a style of its own only. */
export const pageHeaders: Readonly<Record<string, string>> = {
  'content-security-policy': `default-src 'none'; style-src 'sha256-${hash('sha256', style, 'base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
};

interface Listed {
  method: string;
  path: string;
  operation: OperationObject;
}

/** The description of the API for people: the document as a page of HTML. */
export function descriptionPage(document: OpenApiDocument): string {
  const { info, tags, components } = document;
  const operations = operationsIn(document);
  const groups = tags.map((tag) => ({
    ...tag,
    operations: operations.filter(({ operation }) => operation.tags.includes(tag.name)),
  }));
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
<p>The same for programs: <a href="/openapi.json">/openapi.json</a> (OpenAPI 3.1).</p>
</header>
<nav aria-label="Operations">
${groups.map((group) => `<h2>${escaped(group.name)}</h2>\n<ul>\n${group.operations.map(linkTo).join('\n')}\n</ul>`).join('\n')}
<h2>Beside the operations</h2>
<ul><li><a href="#credentials">Credentials</a></li><li><a href="#headers">Headers of answers</a></li><li><a href="#schemas">Schemas</a></li></ul>
</nav>
<main id="operations">
${groups.map((group) => `<section>\n<h2>${escaped(group.name)}</h2>\n<p>${escaped(group.description)}</p>\n${group.operations.map((listed) => operationHtml(listed, components.responses)).join('\n')}\n</section>`).join('\n')}
<section>
<h2 id="credentials">Credentials</h2>
${definitions(Object.entries(components.securitySchemes).map(([name, scheme]) => [name, 'description' in scheme ? String(scheme.description) : '']))}
</section>
<section>
<h2 id="headers">Headers of answers</h2>
${definitions(Object.entries(components.headers).map(([name, header]) => [name, header.description]))}
</section>
<section>
<h2 id="schemas">Schemas</h2>
${Object.entries(components.schemas)
  .map(
    ([name, schema]) =>
      `<article id="schema-${escaped(name)}">\n<h3>${escaped(name)}</h3>\n${schemaHtml(schema)}\n</article>`,
  )
  .join('\n')}
</section>
</main>
</html>
`;
}

function operationsIn({ paths }: OpenApiDocument): Listed[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
}

function linkTo({ method, path, operation: { operationId } }: Listed): string {
  return `<li><a href="#${escaped(operationId)}"><b>${escaped(method)}</b> ${escaped(path)}</a></li>`;
}

function operationHtml(
  { method, path, operation }: Listed,
  shared: Readonly<Record<string, ResponseObject>>,
): string {
  const { operationId, summary, description = '', security, parameters = [], requestBody } = operation;
  const credentials = security.flatMap((scheme) => Object.keys(scheme)).join(' or ');
  return `<article id="${escaped(operationId)}">
<h3><code><b>${escaped(method)}</b> ${escaped(path)}</code></h3>
<p><strong>${escaped(summary)}.</strong> ${inline(description)}</p>
<p>Credential: ${credentials === '' ? 'none' : `<a href="#credentials">${escaped(credentials)}</a>`}.</p>
${parameters.length === 0 ? '' : `<h4>Parameters</h4>\n<dl>\n${parameters.map(parameterHtml).join('\n')}\n</dl>`}
${requestBody === undefined ? '' : `<h4>Body${requestBody.required ? '' : ', which may be left out'}</h4>\n${contentHtml(requestBody.content)}`}
<h4>Answers</h4>
<dl class="answers">
${Object.entries(operation.responses)
  .map(([status, response]) => answerHtml(status, resolved(response, shared)))
  .join('\n')}
</dl>
</article>`;
}

function parameterHtml({ name, in: where, required, description = '', schema }: ParameterObject): string {
  return `<dt><code>${escaped(name)}</code> <small>in the ${where}${required ? ', required' : ''}</small></dt>
<dd>${inline(description)} ${schemaHtml(schema)}</dd>`;
}

/** The shape of errors is the same everywhere: their codes are told, which the description has. */
function answerHtml(status: string, { description, content }: ResponseObject): string {
  const body = content === undefined || Number(status) >= 400 || status === '4XX' ? '' : contentHtml(content);
  return `<dt>${escaped(status)}</dt>\n<dd>${inline(description)}${body}</dd>`;
}

function resolved(
  response: ResponseObject | Reference,
  shared: Readonly<Record<string, ResponseObject>>,
): ResponseObject {
  if (!('$ref' in response)) return response;
  return shared[nameIn(response.$ref)] ?? { description: '' };
}

function definitions(entries: readonly (readonly [string, string])[]): string {
  const items = entries.map(
    ([name, said]) => `<dt><code>${escaped(name)}</code></dt>\n<dd>${inline(said)}</dd>`,
  );
  return `<dl>\n${items.join('\n')}\n</dl>`;
}

/** Paragraphs as Markdown has them. */
function paragraphs(text: string): string {
  return text
    .split('\n\n')
    .map((paragraph) => `<p>${inline(paragraph)}</p>`)
    .join('\n');
}

/** Of Markdown, what is between backticks. */
function inline(text: string): string {
  return escaped(text).replaceAll(/`([^`]+)`/g, '<code>$1</code>');
}
