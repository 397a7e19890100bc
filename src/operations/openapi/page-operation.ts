import { escaped } from '../../base/html.ts';
import {
  nameIn,
  type OperationObject,
  type ParameterObject,
  type Reference,
  type ResponseObject,
} from './document.ts';
import { contentHtml, schemaHtml, inline } from './page-schema.ts';

export interface Listed {
  method: string;
  path: string;
  operation: OperationObject;
}

/** An operation: what it does, takes and answers. It may refer to answers in `shared`. */
export function operationHtml(
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
${requestBody === undefined ? '' : `<h4>Body${requestBody.required ? '' : ' (optional)'}</h4>\n${contentHtml(requestBody.content)}`}
<h4>Answers</h4>
<dl>
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

/** Errors have the same shape everywhere, so only their codes are listed; `description` has those. */
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
