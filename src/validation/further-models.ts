import { isJsonObject, type JsonObject, type JsonValue } from '../base/request.ts';

/** Deeper than any field of an upstream's is. */
const maxDepth = 8;
/** Such as `fallbacks` of Anthropic's Messages API, `models` of OpenRouter's, `fallback_models`. */
const namesModels = /^(?:\w*_)?models?$|^fallbacks?$/i;

/**
 * The models that a body names besides its own, in fields that are not documented and in its tools: an upstream may have
 * them answer, or help. What a caller writes inside documented fields is theirs.
 */
export function furtherModelsIn(body: JsonObject, documented: ReadonlySet<string>): readonly string[] {
  let found: string[] | null = null;
  for (const key in body) {
    if (!documented.has(key)) found = namedIn(body[key], { isModel: namesModels.test(key), depth: 0 }, found);
  }
  const { tools } = body;
  if (!Array.isArray(tools)) return found ?? none;
  for (const tool of tools) {
    // Anthropic's advisor tool has one; the parameters of a function are the caller's own.
    if (isJsonObject(tool)) found = namedIn(tool['model'], { isModel: true, depth: 0 }, found);
  }
  return found ?? none;
}

const none: readonly never[] = [];

function namedIn(
  value: JsonValue | undefined,
  { isModel, depth }: { isModel: boolean; depth: number },
  found: string[] | null,
): string[] | null {
  if (typeof value === 'string') return isModel ? [...(found ?? []), value] : found;
  if (depth === maxDepth) return found;
  let all = found;
  if (Array.isArray(value)) {
    for (const item of value) all = namedIn(item, { isModel, depth: depth + 1 }, all);
  } else if (isJsonObject(value)) {
    for (const key in value) {
      all = namedIn(value[key], { isModel: namesModels.test(key), depth: depth + 1 }, all);
    }
  }
  return all;
}
