import { isJsonObject, type JsonObject } from '../../base/request.ts';
import type { Adjustments } from './adjustments.ts';
import { documented, schemaOf, textIn } from '../documented.ts';
import {
  anything,
  optional,
  optionalFlag,
  optionalObject,
  optionalText,
  requiredChoice,
  requiredObject,
  requiredTextOf,
} from '../fields.ts';
import type { Findings } from '../findings.ts';

/* `text`: the format of the answer, and how verbose it is. */

const textFields = documented({ format: anything, verbosity: optionalText });
const formatFields = documented({
  type: requiredChoice(['text', 'json_object', 'json_schema']),
  name: optional(requiredTextOf(1, 256)),
  description: optionalText,
  schema: optionalObject,
  strict: optionalFlag,
});
const schemaFields = documented({ schema: requiredObject });

/** What `checkText` checks, for the API's description. */
export const textSchema = schemaOf(textFields, { format: schemaOf(formatFields).nullish() }).nullish();

/** Checks `text`. What is inside the schema is not checked. */
export function checkText(body: JsonObject, findings: Findings): void {
  const text = findings.optionalObject(textFields, body['text'], 'text');
  const format = findings.optionalObject(formatFields, text?.['format'], 'text.format');
  if (format?.['type'] === 'json_schema') findings.fields(schemaFields, format, 'text.format');
}

/** The format as a chat has it; null if it is plain text. */
export function formatOf({ text }: JsonObject, adjustments: Adjustments): JsonObject | null {
  if (!isJsonObject(text)) return null;
  adjustments.unknown(textFields, text, 'text');
  const { format, verbosity = null } = text;
  if (verbosity !== null && verbosity !== 'medium') adjustments.note('text.verbosity');
  if (!isJsonObject(format)) return null;
  adjustments.unknown(formatFields, format, 'text.format');
  const { description, schema = null, strict } = format;
  switch (format['type']) {
    case 'json_object':
      return { type: 'json_object' };
    case 'json_schema': {
      const named: JsonObject = { name: textIn(format, 'name') || 'response', schema };
      if (typeof description === 'string') named['description'] = description;
      if (typeof strict === 'boolean') named['strict'] = strict;
      return { type: 'json_schema', json_schema: named };
    }
    default:
      return null;
  }
}
