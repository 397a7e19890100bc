import { z } from 'zod';
import type { SchemaObject } from './document.ts';

/** Zod schemas as JSON Schema; named ones are kept apart. */
export interface ConvertedSchemas {
  /** The schema itself, or a reference to its name. */
  of: (schema: z.ZodType) => SchemaObject;
  named: Record<string, SchemaObject>;
}

/**
 * Converts all schemas at once, so that a name stands for one schema. `io: 'input'` describes what is on the wire, not
 * what a transformation makes of it. Custom checks, which no schema can express, are left out.
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

/** Moves references to where an OpenAPI document has its schemas. */
function referringToComponents(schema: object): {
  properties: Record<string, SchemaObject>;
  $defs: Record<string, SchemaObject>;
} {
  const text = JSON.stringify({ properties: {}, $defs: {}, ...schema });
  // The converter's JSON Schema with other references: same shape, so the cast holds.
  return JSON.parse(text.replaceAll('"$ref":"#/$defs/', '"$ref":"#/components/schemas/')) as ReturnType<
    typeof referringToComponents
  >;
}
