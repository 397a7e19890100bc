import { isJsonObject, type JsonObject } from '../../base/request.ts';
import { documented, schemaOf, textIn } from '../documented.ts';
import { optionalText } from '../fields.ts';
import type { Findings } from '../findings.ts';
import type { Adjustments } from './adjustments.ts';

/* `reasoning`: how hard the model is to think. Whether it tells its thoughts, and in which form, is for the model. */

const fields = documented({
  effort: optionalText,
  summary: optionalText,
  generate_summary: optionalText,
});

/** What `checkReasoning` checks, for the API's description. */
export const reasoningSchema = schemaOf(fields).nullish();

/** Checks `reasoning`. Which efforts there are depends on the model. */
export function checkReasoning(body: JsonObject, findings: Findings): void {
  findings.optionalObject(fields, body['reasoning'], 'reasoning');
}

/** The effort as a chat has it; '' if nothing is said of it. */
export function effortOf({ reasoning }: JsonObject, adjustments: Adjustments): string {
  if (!isJsonObject(reasoning)) return '';
  adjustments.unknown(fields, reasoning, 'reasoning');
  return textIn(reasoning, 'effort');
}
