import { z } from 'zod';
import { type FieldPath, fieldPath, isOptional } from '../base/field-path.ts';

/** What a model does not take as it is. */
export interface ModelNeeds {
  /** It refuses `temperature` and `top_p` together. */
  oneOfSampling: boolean;
  /** An output bound over that is lowered to it; null: none. */
  lowersOver: number | null;
  /** Fields that it refuses and a request can do without. */
  drop: readonly FieldPath[];
}

const expectation =
  'expected the path of a field that a request can do without, such as store or tools.*.strict';

/** The catalogue's `drop`: `store`, or `tools.*.strict`, which is `strict` in every tool. */
export const dropField = z
  .array(
    z.string().transform((text, context) => {
      const path = fieldPath(text);
      if (path !== null && isOptional(path)) return path;
      context.addIssue({ code: 'custom', message: expectation });
      return z.NEVER;
    }),
  )
  .max(64)
  .optional();

/** What the catalogue says of a model; null if the model takes everything. */
export function needsOf(found: {
  drop?: readonly FieldPath[] | undefined;
  one_of?: unknown;
  max_tokens?: number | undefined;
  over_max?: 'lower' | 'refuse' | undefined;
}): ModelNeeds | null {
  const { drop = [], one_of: oneOf, max_tokens: max = null, over_max: over = 'lower' } = found;
  const oneOfSampling = oneOf !== undefined;
  const lowersOver = over === 'lower' ? max : null;
  return oneOfSampling || lowersOver !== null || drop.length > 0 ? { oneOfSampling, lowersOver, drop } : null;
}
