import { z } from 'zod';
import type { SchemaObject } from './document.ts';

/** Zod schemas as JSON Schema, those with a name apart. */
export interface ConvertedSchemas {
  /** What takes the place of a schema: itself, or a reference to its name. */
  of: (schema: z.ZodType) => SchemaObject;
  named: Record<string, SchemaObject>;
}

/**
 * Converts all schemas in one go, so that a name stands for one schema. What a transformation makes of a value is
 * nobody's business outside: `io: 'input'` describes what goes over the wire. What no schema can say, such as a
 * custom check, is left out.
 */
export function convertSchemas(schemas: Iterable<z.ZodType>): ConvertedSchemas {
  const all = [...new Set(schemas)];
  const keys = new Map(all.map((schema, index) => [schema, String(index)]));
  const together = z.object(Object.fromEntries(all.map((schema, index) => [String(index), schema])));
  const { properties, $defs } = referringToComponents(
    z.toJSONSchema(together, { io: 'input', unrepresentable: 'any' }),
  );
  return {
    of: (schema) => properties[keys.get(schema) ?? ''] ?? {},
    named: $defs,
  };
}

/** Where the names are in an OpenAPI document. */
function referringToComponents(schema: object): {
  properties: Record<string, SchemaObject>;
  $defs: Record<string, SchemaObject>;
} {
  const text = JSON.stringify({ properties: {}, $defs: {}, ...schema });
  // JSON Schema of the converter, written anew with other references.
  return JSON.parse(text.replaceAll('"$ref":"#/$defs/', '"$ref":"#/components/schemas/')) as ReturnType<
    typeof referringToComponents
  >;
}
