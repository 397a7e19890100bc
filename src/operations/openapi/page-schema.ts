import { escaped } from '../../base/html.ts';
import type { JsonObject } from '../../base/request.ts';
import { type Content, nameIn, type SchemaObject } from './document.ts';

/** Bodies by media type. */
export function contentHtml(content: Content): string {
  return Object.entries(content)
    .map(
      ([mediaType, { schema, example }]) =>
        `<p><code>${escaped(mediaType)}</code></p>\n${exampleHtml(example)}${schemaHtml(schema)}`,
    )
    .join('\n');
}

function exampleHtml(example: JsonObject | undefined): string {
  return example === undefined ? '' : `<pre>${escaped(JSON.stringify(example, null, 2))}</pre>\n`;
}

/** A schema: its type, and its fields at every depth. */
export function schemaHtml(schema: SchemaObject): string {
  const said =
    schema.description === undefined
      ? ''
      : `<p class="said">${inline(schema.description).replaceAll('\n', '<br>')}</p>`;
  return `<p class="type">${typeHtml(schema)}</p>${said}${insideHtml(schema)}`;
}

/** The fields of a schema's variants and items. */
function insideHtml(schema: SchemaObject): string {
  const own = fieldsHtml(schema);
  const items = schema.items === undefined ? '' : insideHtml(schema.items);
  const variants = variantsOf(schema).map(insideHtml).join('');
  return own + items + variants;
}

function fieldsHtml({ properties = {}, required = [] }: SchemaObject): string {
  const fields = Object.entries(properties);
  if (fields.length === 0) return '';
  return `<dl>\n${fields.map(([name, schema]) => fieldHtml(name, schema, required.includes(name))).join('\n')}\n</dl>`;
}

function fieldHtml(name: string, schema: SchemaObject, required: boolean): string {
  return `<dt><code>${escaped(name)}</code>${required ? ' <small>required</small>' : ''}</dt>
<dd>${schemaHtml(schema)}</dd>`;
}

function variantsOf({ anyOf = [], oneOf = [], allOf = [] }: SchemaObject): readonly SchemaObject[] {
  return [...anyOf, ...oneOf, ...allOf];
}

/** A value's type, in one line. */
function typeHtml(schema: SchemaObject): string {
  const { $ref, items, type } = schema;
  if ($ref !== undefined) {
    const name = escaped(nameIn($ref));
    return `<a href="#schema-${name}">${name}</a>`;
  }
  if (schema.enum !== undefined) return `one of ${valuesHtml(schema.enum)}`;
  if (schema.const !== undefined) return valuesHtml([schema.const]);
  if (items !== undefined) return `array of ${typeHtml(items)}${boundsHtml(schema)}`;
  const variants = variantsOf(schema);
  if (variants.length > 0) return [...new Set(variants.map(typeHtml))].join(' or ');
  if (type === undefined) return 'anything';
  return escaped([type].flat().join(' or ')) + boundsHtml(schema);
}

function valuesHtml(values: readonly (string | number | null)[]): string {
  return values.map((value) => `<code>${escaped(String(value))}</code>`).join(', ');
}

/** Leaves out bounds that every double has. */
function boundsHtml(schema: SchemaObject): string {
  const bounds = [
    range(schema.minimum, schema.maximum, ''),
    range(schema.minLength, schema.maxLength, ' character'),
    range(schema.minItems, schema.maxItems, ' item'),
    schema.format ?? '',
  ].filter((bound) => bound !== '');
  const pattern =
    schema.pattern === undefined || schema.format !== undefined
      ? ''
      : ` <code>${escaped(schema.pattern)}</code>`;
  return (bounds.length > 0 ? ` (${escaped(bounds.join(', '))})` : '') + pattern;
}

function range(min: number | undefined, max: number | undefined, unit: string): string {
  const least = min !== undefined && min > Number.MIN_SAFE_INTEGER ? min : null;
  const most = max !== undefined && max < Number.MAX_SAFE_INTEGER ? max : null;
  const of = (many: number): string => `${many}${unit}${unit !== '' && many !== 1 ? 's' : ''}`;
  if (least !== null && most !== null) return `${least} to ${of(most)}`;
  if (least !== null) return `at least ${of(least)}`;
  return most === null ? '' : `at most ${of(most)}`;
}

/** Paragraphs, separated as in Markdown. */
export function paragraphs(text: string): string {
  return text
    .split('\n\n')
    .map((paragraph) => `<p>${inline(paragraph)}</p>`)
    .join('\n');
}

/** Of Markdown, only code in backticks. */
export function inline(text: string): string {
  return escaped(text).replaceAll(/`([^`]+)`/g, '<code>$1</code>');
}
