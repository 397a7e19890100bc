import { isAnthropic } from '../../base/error-body.ts';
import { type FieldPath, withoutField } from '../../base/field-path.ts';
import type { JsonObject } from '../../base/request.ts';
import { wantsContent, withContent } from './fill-content.ts';
import { refusesSystemMessages, withFoldedSystem } from './fold-system.ts';
import { boundSaid, lowered } from './lower-output.ts';
import { refusedFields } from './refused-fields.ts';

/** What can be changed in a request for an upstream that refuses it as it is, without a change of meaning. */
export type Repair =
  /** A text where a message has none. */
  | { readonly kind: 'fill' }
  /** System messages into `system`. */
  | { readonly kind: 'fold' }
  /** No more output tokens than that. */
  | { readonly kind: 'lower'; readonly max: number }
  /** Without this field. */
  | { readonly kind: 'drop'; readonly path: FieldPath };

/** A body after repairs, and what `x-tollgate-adjusted` says of them. */
export interface Adjusted {
  body: JsonObject;
  adjusted: readonly string[];
}

/** Identifies a repair. */
export function idOf(repair: Repair): string {
  switch (repair.kind) {
    case 'fill':
    case 'fold':
      return repair.kind;
    case 'lower':
      return `lower ${repair.max}`;
    case 'drop':
      return `drop ${repair.path.join('.')}`;
  }
}

/** The repairs that an upstream's words ask for. Pure; some may change nothing of the body. */
export function repairsFor(said: string, path: string): readonly Repair[] {
  const repairs: Repair[] = [];
  if (wantsContent(said)) repairs.push({ kind: 'fill' });
  if (isAnthropic(path) && refusesSystemMessages(said)) repairs.push({ kind: 'fold' });
  const max = boundSaid(said);
  if (max !== null) repairs.push({ kind: 'lower', max });
  for (const field of refusedFields(said)) repairs.push({ kind: 'drop', path: field });
  return repairs;
}

/** The body after one repair; the same object if it changes nothing. Pure. */
export function repaired(body: JsonObject, repair: Repair): Adjusted {
  switch (repair.kind) {
    case 'fill':
      return changed(body, withContent(body), 'messages.content=filled');
    case 'fold':
      return changed(body, withFoldedSystem(body), 'messages.system=folded');
    case 'lower': {
      const { body: lower, values } = lowered(body, repair.max);
      return { body: lower, adjusted: values.map(([field, value]) => `${field}=${value}`) };
    }
    case 'drop':
      return changed(body, withoutField(body, repair.path), repair.path.join('.'));
  }
}

/** The same for several, one after the other. */
export function allRepaired(body: JsonObject, repairs: readonly Repair[]): Adjusted {
  let result: Adjusted = { body, adjusted: [] };
  for (const repair of repairs) {
    const next = repaired(result.body, repair);
    if (next.body !== result.body) {
      result = { body: next.body, adjusted: [...result.adjusted, ...next.adjusted] };
    }
  }
  return result;
}

function changed(before: JsonObject, after: JsonObject, said: string): Adjusted {
  return { body: after, adjusted: after === before ? [] : [said] };
}
