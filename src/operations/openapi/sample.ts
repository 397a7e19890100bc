import { isJsonObject, type JsonObject, type JsonValue } from '../../base/request.ts';
import { nameIn, type SchemaObject } from './document.ts';
import { exampleOfField, isLeftOut } from './field-examples.ts';

type Named = Readonly<Record<string, SchemaObject>>;

interface Place {
  named: Named;
  /** The nearest schema with a name, and the fields below it: `Me.token`. What an `id` is depends on that. */
  within: string;
  /** The field it is the value of; '' if it is none's. */
  field: string;
}

/**
 * An example of what a schema allows. A field has the value that is usual for its name, if the schema allows that; else
 * the simplest that it does.
 */
export function sampleOf(schema: SchemaObject, named: Named): JsonValue {
  return sample(schema, { named, within: '', field: '' });
}

function sample(schema: SchemaObject, at: Place): JsonValue {
  const { $ref, anyOf = [], oneOf = [] } = schema;
  const usual = exampleOfField(at);
  if (usual !== undefined && allows(schema, usual, at.named)) return usual;
  if ($ref !== undefined) {
    const within = nameIn($ref);
    return sample(at.named[within] ?? {}, { ...at, within, field: '' });
  }
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return schema.enum[0] ?? null;
  const [variant] = [...anyOf, ...oneOf];
  if (variant !== undefined) return sample(variant, at);
  return simplest(schema, at);
}

function simplest(schema: SchemaObject, at: Place): JsonValue {
  const [type] = [schema.type ?? []].flat();
  switch (type) {
    case 'object':
      return objectOf(schema, at.field === '' ? at : { ...at, within: `${at.within}.${at.field}` });
    case 'array':
      return schema.items === undefined ? [] : [sample(schema.items, { ...at, field: '' })];
    case 'integer':
    case 'number':
      return Math.max(schema.minimum ?? 0, 0);
    case 'boolean':
      return false;
    case 'string':
      return schema.format === 'date-time' ? '2026-11-30T09:30:00.000Z' : '…';
    default:
      return type === 'null' ? null : {};
  }
}

function objectOf({ properties = {}, required = [] }: SchemaObject, at: Place): JsonObject {
  const shown = Object.entries(properties).filter(
    ([field]) => required.includes(field) || !isLeftOut({ within: at.within, field }),
  );
  return Object.fromEntries(shown.map(([field, schema]) => [field, sample(schema, { ...at, field })]));
}

/** Whether the value is of a type that the schema allows, and one of its values if it lists them. */
function allows(schema: SchemaObject, value: JsonValue, named: Named): boolean {
  const { $ref, anyOf = [], oneOf = [] } = schema;
  if ($ref !== undefined) return allows(named[nameIn($ref)] ?? {}, value, named);
  const variants = [...anyOf, ...oneOf];
  if (variants.length > 0) return variants.some((each) => allows(each, value, named));
  if (schema.const !== undefined) return schema.const === value;
  if (schema.enum !== undefined) return schema.enum.some((each) => each === value);
  const types = [schema.type ?? []].flat();
  return types.length === 0 || types.some((type) => isOfType(value, type));
}

function isOfType(value: JsonValue, type: string): boolean {
  switch (type) {
    case 'null':
      return value === null;
    case 'array':
      return Array.isArray(value);
    case 'integer':
      return Number.isInteger(value);
    case 'object':
      return isJsonObject(value);
    default:
      return typeof value === type;
  }
}
