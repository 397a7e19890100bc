import { isJsonObject, type JsonObject, type JsonValue } from './request.ts';

/** Where a field lies in a body: names, and `*` for each item of a list. `tools.*.strict` is `strict` in every tool. */
export type FieldPath = readonly string[];

const maxSegments = 12;
const name = /^[A-Za-z_][\w-]{0,63}$/;

/**
 * Without these a request would ask for something else: what is said, what may be done, how long the answer may be, and
 * the shape it must have.
 */
const needed = namesIn(`
  model messages system input prompt negative_prompt query documents top_n
  max_tokens max_completion_tokens max_tokens_per_inference_request n stop stop_sequences
  stream tools tool_choice functions function_call mcp_servers allow_ignored_params
  response_format output_format modalities guided_json guided_regex guided_grammar
  dimensions input_type encoding_format embedding_type size aspect_ratio`);

/** The same inside messages, blocks and tools. */
const neededInside = namesIn(`
  role content type text name description function id is_error
  tool_calls tool_call_id tool_use_id source data url image_url file media_type
  thinking signature format budget_tokens runtime_params max_uses user_location
  allowed_domains blocked_domains allowed_callers allowed_tools tool_configuration`);

/** Holders of free-form values: what is inside is the caller's, not the API's. */
const freeForm = namesIn('parameters input_schema input arguments schema json_schema properties format');

/** Keys of an object that says which shape an answer must have. */
const shaping = ['format', 'schema', 'json_schema'];

/** Reads `store`, `tools.0.strict`, `tools[0].strict`, `$.tools[0].strict` or `#/tools/0/strict`; null for anything else. */
export function fieldPath(text: string): FieldPath | null {
  const segments = text
    .replaceAll(/\[(\d+|\*)\]/g, '.$1')
    .replaceAll('/', '.')
    .replace(/^[$#.]+/, '')
    .split('.')
    .map((segment) => (/^\d+$/.test(segment) ? '*' : segment));
  if (segments[0] === 'body' && segments.length > 1) segments.shift();
  const isPath = segments.every((segment) => segment === '*' || name.test(segment));
  return isPath && segments.length <= maxSegments && segments.at(-1) !== '*' ? segments : null;
}

/** Whether a request without this field still asks for the same. */
export function isOptional(path: FieldPath): boolean {
  const [first = ''] = path;
  const last = path.at(-1) ?? '';
  if (path.length === 1) return !needed.has(first);
  return !neededInside.has(last) && !freeForm.has(last) && !path.some((segment) => freeForm.has(segment));
}

/**
 * The body without the field; the same object if it is not there. Copies only what changes. A segment that names no
 * field is skipped, since Anthropic puts the type of a block into its paths: `system.0.cache_control.ephemeral.ttl`.
 */
export function withoutField(body: JsonObject, path: FieldPath): JsonObject {
  const without = removed(body, path, 0);
  return isJsonObject(without) ? without : body;
}

function removed(value: JsonValue, path: FieldPath, at: number): JsonValue {
  const segment = path[at];
  if (segment === undefined) return value;
  if (Array.isArray(value)) {
    const items = value.map((item) => removed(item, path, segment === '*' ? at + 1 : at));
    return items.some((item, index) => item !== value[index]) ? items : value;
  }
  if (!isJsonObject(value)) return value;
  const isLast = at === path.length - 1;
  if (!Object.hasOwn(value, segment)) return isLast ? value : removed(value, path, at + 1);
  const held = value[segment] ?? null;
  if (isLast) {
    if (isJsonObject(held) && shaping.some((key) => Object.hasOwn(held, key))) return value;
    const { [segment]: _, ...rest } = value;
    return rest;
  }
  const inner = removed(held, path, at + 1);
  // The type `text` is also the name of a field.
  return inner === held ? removed(value, path, at + 1) : { ...value, [segment]: inner };
}

function namesIn(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/));
}
