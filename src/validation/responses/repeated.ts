import { isJsonObject, type JsonObject, type JsonValue } from '../../base/request.ts';
import { numberIn, objectsIn } from '../documented.ts';

/**
 * What a response repeats of its request: JSON members without braces, UTF-8 as Latin-1. What a request leaves open is
 * there with its default; what is not done here says so, whatever was asked for.
 */
export function repeatedOf(body: JsonObject): string {
  const repeated: JsonObject = {
    instructions: body['instructions'] ?? null,
    tools: objectsIn(body, 'tools').map(shownTool),
    tool_choice: body['tool_choice'] ?? 'auto',
    parallel_tool_calls: body['parallel_tool_calls'] ?? true,
    text: shownText(body['text']),
    reasoning: shownReasoning(body['reasoning']),
    max_output_tokens: numberIn(body, 'max_output_tokens'),
    max_tool_calls: null,
    temperature: numberIn(body, 'temperature') ?? 1,
    top_p: numberIn(body, 'top_p') ?? 1,
    presence_penalty: numberIn(body, 'presence_penalty') ?? 0,
    frequency_penalty: numberIn(body, 'frequency_penalty') ?? 0,
    top_logprobs: 0,
    metadata: body['metadata'] ?? {},
    safety_identifier: body['safety_identifier'] ?? null,
    prompt_cache_key: body['prompt_cache_key'] ?? null,
    user: body['user'] ?? null,
    previous_response_id: null,
    truncation: 'disabled',
    service_tier: 'default',
    store: false,
    background: false,
  };
  return Buffer.from(JSON.stringify(repeated).slice(1, -1)).toString('latin1');
}

function shownTool(tool: JsonObject): JsonObject {
  const { type = null, name = null, description = null, parameters = null, strict = null, format } = tool;
  if (type === 'function') return { type, name, description, parameters, strict };
  return { type, name, description, format: format ?? { type: 'text' } };
}

function shownText(text: JsonValue | undefined): JsonObject {
  const given = isJsonObject(text) ? text : {};
  const { format, verbosity = null } = given;
  const shown: JsonObject = { format: isJsonObject(format) ? shownFormat(format) : { type: 'text' } };
  if (verbosity !== null) shown['verbosity'] = verbosity;
  return shown;
}

function shownFormat(format: JsonObject): JsonObject {
  const { type = null, name, description = null, schema = null, strict } = format;
  if (type !== 'json_schema') return { type };
  return { type, name: name ?? 'response', description, schema, strict: strict ?? false };
}

function shownReasoning(reasoning: JsonValue | undefined): JsonObject {
  const { effort = null, summary = null } = isJsonObject(reasoning) ? reasoning : {};
  return { effort, summary };
}
